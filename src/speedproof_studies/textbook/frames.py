"""Tables in pandas: groups, indices, joins."""

from typing import Any

import numpy as np
import pandas as pd

from speedproof_studies.textbook.entry import Entry, right, wrong


def some_sales(size: int, rng: np.random.Generator) -> dict[str, Any]:
    """Sales of a few shops, under row numbers that are not in order."""
    n = max(size, 1)
    frame = pd.DataFrame(
        {
            "shop": rng.integers(-3, 4, size=n),
            "amount": rng.integers(1, 100, size=n),
            "note": rng.choice(["Cash", "card", "Gift"], size=n),
        },
        index=rng.permutation(n) + 10,
    )
    return {"sales": frame}


def totals(sales: pd.DataFrame) -> pd.Series:
    """Sum of the amounts of each shop, in the order of first sight."""
    found: dict[int, int] = {}
    for shop, amount in zip(sales["shop"].tolist(), sales["amount"].tolist(), strict=True):
        found[shop] = found.get(shop, 0) + amount
    return pd.Series(list(found.values()), index=pd.Index(list(found), name="shop"), name="amount")


def totals_by_groups(sales: pd.DataFrame) -> pd.Series:
    return sales.groupby("shop", sort=False)["amount"].sum()


def totals_sorted(sales: pd.DataFrame) -> pd.Series:
    return sales.groupby("shop")["amount"].sum()


def totals_as_frame(sales: pd.DataFrame) -> Any:
    return sales.groupby("shop", sort=False)[["amount"]].sum()


def large_sales(sales: pd.DataFrame) -> pd.DataFrame:
    """Sales above 20, under their own row numbers."""
    return sales.loc[[label for label, amount in sales["amount"].items() if amount > 20]]


def large_sales_by_mask(sales: pd.DataFrame) -> pd.DataFrame:
    return sales[sales["amount"] > 20].copy()


def large_sales_renumbered(sales: pd.DataFrame) -> pd.DataFrame:
    return sales[sales["amount"] > 20].reset_index(drop=True)


def notes(sales: pd.DataFrame) -> pd.Series:
    return sales["note"].map(lambda note: note.upper())


def notes_at_once(sales: pd.DataFrame) -> pd.Series:
    return sales["note"].str.upper()


def notes_in_place(sales: pd.DataFrame) -> pd.Series:
    sales["note"] = sales["note"].str.upper()
    return sales["note"].copy()


def first_of_shop(sales: pd.DataFrame) -> pd.DataFrame:
    """The first sale of each shop."""
    seen: set[int] = set()
    kept = []
    for shop in sales["shop"].tolist():
        kept.append(shop not in seen)
        seen.add(shop)
    return sales[kept]


def first_of_shop_by_dropping(sales: pd.DataFrame) -> pd.DataFrame:
    return sales.drop_duplicates("shop")


def last_of_shop(sales: pd.DataFrame) -> pd.DataFrame:
    return sales.drop_duplicates("shop", keep="last")


def named(sales: pd.DataFrame) -> pd.DataFrame:
    """Sales with the names of their shops; shop 0 has none."""
    names = {shop: f"shop {shop}" for shop in range(-3, 4) if shop}
    return sales.assign(name=[names.get(shop, "?") for shop in sales["shop"]])


def named_by_map(sales: pd.DataFrame) -> pd.DataFrame:
    names = {shop: f"shop {shop}" for shop in range(-3, 4) if shop}
    return sales.assign(name=sales["shop"].map(names).fillna("?"))


def named_by_merge(sales: pd.DataFrame) -> pd.DataFrame:
    names = pd.DataFrame([(shop, f"shop {shop}") for shop in range(-3, 4) if shop], columns=["shop", "name"])
    return sales.merge(names, on="shop")


ENTRIES: tuple[Entry, ...] = (
    right(totals, totals_by_groups, some_sales, "Unsorted groups come in the order of first sight."),
    wrong(totals, totals_sorted, some_sales, "The shops are sorted."),
    wrong(totals, totals_as_frame, some_sales, "The answer is a frame of one column, where it was a series."),
    right(large_sales, large_sales_by_mask, some_sales, "A mask keeps the row numbers."),
    wrong(large_sales, large_sales_renumbered, some_sales, "The row numbers are lost."),
    right(notes, notes_at_once, some_sales, "The method is called on the whole column."),
    wrong(notes, notes_in_place, some_sales, "The caller's frame is changed."),
    right(first_of_shop, first_of_shop_by_dropping, some_sales, "The first of each is kept unless told otherwise."),
    wrong(first_of_shop, last_of_shop, some_sales, "The last of each is kept."),
    right(named, named_by_map, some_sales, "A shop without a name is filled in after the lookup."),
    wrong(named, named_by_merge, some_sales, "An inner join drops shops without a name, and all row numbers."),
)
