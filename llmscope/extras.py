"""Packages that only some reads need."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def data_frame(what: str) -> type[pd.DataFrame]:
    """Return the class of pandas' tables.

    Parameters
    ----------
    what
        The name of what needs it, as it is called.

    Raises
    ------
    ModuleNotFoundError
        When pandas is not installed.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{what} needs pandas: pip install pandas") from error
    return pd.DataFrame
