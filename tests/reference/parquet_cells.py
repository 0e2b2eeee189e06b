"""Whether pandas reads a table of cells from Parquet as it stands in CSV: types, nulls and every bit.

    python tests/reference/parquet_cells.py cells.parquet cells.csv

Needs pandas and pyarrow. Run by tests/formats/parquet_cells.rs where Python has them.
"""

import sys

import pandas
import pyarrow.parquet

parquet, csv = sys.argv[1:]
read = pandas.read_parquet(parquet)
known = pandas.read_csv(csv, float_precision="round_trip", keep_default_na=False, na_values=[""])
known = known.drop(columns="rows_left")
assert list(read.columns) == list(known.columns), (list(read.columns), list(known.columns))
for name in ["repeat", "n", "p", "rank"]:
    assert read[name].dtype == "int64", (name, read[name].dtype)
for name in set(read.columns) - {"repeat", "n", "p", "rank", "arm"}:
    assert read[name].dtype == "float64", (name, read[name].dtype)
for name in read.columns:
    a, b = read[name], known[name].astype(read[name].dtype)
    assert (a.isna() == b.isna()).all() and (a.dropna() == b.dropna()).all(), name
table = pyarrow.parquet.read_table(parquet)
nulls = {name: table[name].null_count for name in table.column_names}
assert nulls == {name: int(known[name].isna().sum()) for name in known.columns}, nulls
print(f"{len(read)} rows, {len(read.columns)} columns, {sum(nulls.values())} nulls")
