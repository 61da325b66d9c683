"""recordlinkage and splink on the same customers, each set up as its manual shows.

Both block on the usual keys and compare names, date of birth, email, phone, postcode, street and town. Neither is told
which pairs are true: recordlinkage's ECM classifier and splink's EM learn their weights from each set by itself.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from bench.duplicate_sets import Pair

BLOCKS: tuple[tuple[str, ...], ...] = (
    ("email",), ("phone",), ("surname", "postcode"), ("first_name", "postcode"), ("surname", "date_of_birth"),
    ("first_name", "date_of_birth"), ("postcode", "date_of_birth"), ("first_name", "surname"), ("street", "town"),
)  # fmt: skip
TEXTS = ("first_name", "surname", "street", "town")
CODES = ("date_of_birth", "email", "phone", "postcode")
LIKE = 0.85
"""From which Jaro-Winkler similarity recordlinkage's manual takes two names for one."""
ENOUGH = (4, 5, 6)
"""Fields that agree, from which it takes two records for one (its example has "more than 3")."""
SPLINK_FROM = (0.5, 0.9, 0.99, 0.999, 0.9999)
"""Match probabilities from which two records may be taken for a match."""
Rows = list[dict[str, Any]]


def recordlinkage_sum(rows: Rows) -> Iterator[set[Pair]]:
    """Pairs of which enough fields agree, as in the example of the manual, for each threshold."""
    features = _features(rows)
    for enough in ENOUGH:
        yield _in_order(features[features.sum(axis=1) >= enough].index)


def recordlinkage_ecm(rows: Rows) -> Iterator[set[Pair]]:
    """Pairs that its unsupervised classifier takes for matches."""
    import recordlinkage as rl  # noqa: PLC0415 - a dependency of the benchmark alone

    features = _features(rows)
    features = features[[name for name in features if features[name].nunique() > 1]]
    yield _in_order(rl.ECMClassifier(binarize=None).fit_predict(features))


def _features(rows: Rows) -> Any:
    import pandas as pd  # noqa: PLC0415
    import recordlinkage as rl  # noqa: PLC0415

    frame = pd.DataFrame(rows).set_index("id").astype({"date_of_birth": "string"})
    index = rl.Index()
    for block in _usable(rows):
        index.block(list(block))
    compare = rl.Compare()
    for name in TEXTS:
        compare.string(name, name, method="jarowinkler", threshold=LIKE, label=name)
    for name in CODES:
        compare.exact(name, name, label=name)
    return compare.compute(index.index(frame), frame)


def _usable(rows: Rows) -> list[tuple[str, ...]]:
    """Leave out what nobody in the set has: a set without emails has no pairs with the same one."""
    there = {name for row in rows for name, value in row.items() if value is not None}
    return [block for block in BLOCKS if there.issuperset(block)]


def splink(rows: Rows) -> Iterator[set[Pair]]:
    """Pairs of splink's model, trained on the set by expectation maximisation, for each threshold."""
    import pandas as pd  # noqa: PLC0415
    import splink.comparison_library as cl  # noqa: PLC0415
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    logging.getLogger("splink").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    frame = pd.DataFrame(rows).rename(columns={"id": "unique_id"})
    blocks = [block_on(*block) for block in _usable(rows)]
    there = {name for block in _usable(rows) for name in block}
    settings = SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=blocks,
        comparisons=[comparison for name, comparison in _comparisons(cl).items() if name in there],
    )
    linker = Linker(DuckDBAPI().register(frame), settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("first_name", "surname", "date_of_birth"), block_on("surname", "postcode", "street")],
        recall=0.6,
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    for block in (("first_name", "surname"), ("date_of_birth",), ("postcode",)):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*block))
    found = linker.inference.predict(threshold_match_probability=min(SPLINK_FROM)).as_pandas_dataframe()
    for least in SPLINK_FROM:
        match = found[found["match_probability"] >= least]
        yield _in_order(zip(match["unique_id_l"], match["unique_id_r"], strict=True))


def _comparisons(cl: Any) -> dict[str, Any]:
    return {
        "first_name": cl.ForenameSurnameComparison("first_name", "surname"),
        "date_of_birth": cl.DateOfBirthComparison("date_of_birth", input_is_string=False),
        "email": cl.EmailComparison("email"),
        "phone": cl.LevenshteinAtThresholds("phone", 1),
        "postcode": cl.LevenshteinAtThresholds("postcode", [1, 2]),
        "street": cl.JaroWinklerAtThresholds("street", [0.9, 0.8]),
        "town": cl.JaroWinklerAtThresholds("town", [0.9, 0.8]).configure(term_frequency_adjustments=True),
    }


def _in_order(pairs: Any) -> set[Pair]:
    return {(int(min(pair)), int(max(pair))) for pair in pairs}


PEERS: dict[str, Callable[[Rows], Iterator[set[Pair]]]] = {
    "recordlinkage, fields that agree": recordlinkage_sum,
    "recordlinkage, ECM": recordlinkage_ecm,
    "splink": splink,
}
