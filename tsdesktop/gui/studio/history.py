"""What was changed in a recipe, with the way back. Recipes are frozen values, so undo is a row of them."""

from __future__ import annotations

from tsdesktop.core.printing import PrintRecipe

_LONGEST = 200


class History:
    """A row of recipes and which of them holds. Changes of one value one after the other are one step."""

    def __init__(self, recipe: PrintRecipe) -> None:
        self._recipes = [recipe]
        self._names = [""]
        self._at = 0
        self._touched = ""

    @property
    def current(self) -> PrintRecipe:
        """The recipe that holds."""
        return self._recipes[self._at]

    @property
    def undo_name(self) -> str:
        """What would be undone, in words; empty where nothing can be."""
        return self._names[self._at] if self._at else ""

    @property
    def redo_name(self) -> str:
        """What would be done again, in words; empty where nothing can be."""
        return self._names[self._at + 1] if self._at + 1 < len(self._recipes) else ""

    def change(self, recipe: PrintRecipe, name: str, touched: str = "") -> bool:
        """Another recipe holds; whether it is another one.

        `touched` says which value was changed: while it is the same again and again, undo goes back over all of it.
        """
        if recipe == self.current:
            return False
        again = bool(touched) and touched == self._touched and self._at == len(self._recipes) - 1 and self._at > 0
        self._touched = touched
        if again:
            self._recipes[self._at] = recipe
            return True
        del self._recipes[self._at + 1 :], self._names[self._at + 1 :]
        self._recipes.append(recipe)
        self._names.append(name)
        del self._recipes[:-_LONGEST], self._names[:-_LONGEST]
        self._at = len(self._recipes) - 1
        return True

    def settle(self) -> None:
        """What comes next is a step of its own."""
        self._touched = ""

    def undo(self) -> bool:
        """The recipe before; whether there is one."""
        return self._go(-1)

    def redo(self) -> bool:
        """The recipe that was undone; whether there is one."""
        return self._go(1)

    def _go(self, by: int) -> bool:
        self.settle()
        if not 0 <= self._at + by < len(self._recipes):
            return False
        self._at += by
        return True
