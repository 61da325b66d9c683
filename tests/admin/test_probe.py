import time
from tests.admin.pages import page_of
def test_probe(stocked):
    c = stocked.client()
    for r in stocked.app.extensions["clientele"].screens:
        t=time.perf_counter(); a=c.get(f"/admin/{r}/"); d=time.perf_counter()-t
        p=page_of(a)
        print(stocked.database.kind, r, a.status_code, len(p.rows), "%.3f"%d, len(a.data))
        if r!="shop_setting":
            t=time.perf_counter(); a=stocked.api().get(f"/api/v1/{r}/"); d=time.perf_counter()-t
            print("   api", a.status_code, "%.3f"%d)
