import time
from sqlalchemy import text
from actions.verify import checks, verify
from tests.actions.conftest import _engines, desk, engine
def test_scale(desk):
    c = desk.customer(); 
    pg = desk.engine.dialect.name == "postgresql"
    seq = "(SELECT g n FROM generate_series(1000000,1100000) g)" if pg else "(WITH RECURSIVE s(n) AS (SELECT 1000000 UNION ALL SELECT n+1 FROM s WHERE n<1100000) SELECT n FROM s)"
    with desk.engine.begin() as k:
        cols=[x.name for x in k.execute(text("select * from customer where id=:c"),{"c":c}).cursor.description] if pg else [r[1] for r in k.execute(text("pragma table_info(customer)"))]
        over={"id":"s.n","points":"300","account_balance":"100","email":"NULL","email_key":"''"}
        sel=",".join(over.get(x,"c."+x) for x in cols)
        k.execute(text(f"insert into customer ({','.join(cols)}) select {sel} from customer c, {seq} s where c.id={c}"))
        k.execute(text("insert into changeset (id,at,action,actor_name) values (999999,'2026-09-01 00:00:00','x','y')"))
        for r in range(3):
            k.execute(text(f"insert into loyalty_entry (id,created_at,actor_name,changeset_id,customer_id,kind,points) select n*10+{r},'2026-09-01 00:00:00','x',999999,n,'earned',{[150,100,100][r]} from {seq} s"))
            k.execute(text(f"insert into loyalty_lot (id,entry_id,customer_id,points,unspent) select n*10+{r},n*10+{r},n,{[150,100,100][r]},100 from {seq} s"))
        k.execute(text(f"insert into loyalty_entry (id,created_at,actor_name,changeset_id,customer_id,kind,points) select n*10+5,'2026-09-01 00:00:00','x',999999,n,'redeemed',-50 from {seq} s"))
        k.execute(text(f"insert into loyalty_allocation (entry_id,lot_id,points) select n*10+5,n*10,50 from {seq} s"))
        for r in range(2):
            k.execute(text(f"insert into account_entry (created_at,actor_name,changeset_id,customer_id,kind,amount,currency,value_date) select '2026-09-01 00:00:00','x',999999,n,'{['payment','refund'][r]}',{[-100,200][r]},'GBP','2026-09-01' from {seq} s"))
            k.execute(text(f"insert into address (customer_id,line1,country,is_admin,is_billing,is_delivery,is_primary,postcode_key,line1_key,town_key,created_at,updated_at) select n,'x','GB',{'false,false,false'},{['true','false'][r]},'','','','2026-09-01 00:00:00','2026-09-01 00:00:00' from {seq} s"))
    t=time.time()
    with desk.look() as s:
        found=verify(s)
    print(desk.engine.dialect.name, "total", time.time()-t, found[:3])
    with desk.look() as s:
        for ch in checks():
            t=time.time(); s.execute(ch.query.limit(5)).all(); d=time.time()-t
            if d>0.3: print(round(d,2), ch.sentence)
