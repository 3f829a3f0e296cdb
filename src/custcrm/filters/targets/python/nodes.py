"""The `ast` nodes that generated code is made of: those of the standard library, each with a place from the start.

`compile` wants to know where every node stands. Generated code has no lines, so all of them stand in the same place,
which their class says; nothing need walk over a finished tree to write it into each.
"""
# ruff: noqa: D101  # they are what `ast` says they are

import ast


class _Placed:
    lineno: int = 1
    col_offset: int = 0
    end_lineno: int | None = 1
    end_col_offset: int | None = 0


class Attribute(_Placed, ast.Attribute): ...


class BinOp(_Placed, ast.BinOp): ...


class BoolOp(_Placed, ast.BoolOp): ...


class Call(_Placed, ast.Call): ...


class Compare(_Placed, ast.Compare): ...


class Constant(_Placed, ast.Constant): ...


class GeneratorExp(_Placed, ast.GeneratorExp): ...


class IfExp(_Placed, ast.IfExp): ...


class Lambda(_Placed, ast.Lambda): ...


class ListComp(_Placed, ast.ListComp): ...


class Name(_Placed, ast.Name): ...


class NamedExpr(_Placed, ast.NamedExpr): ...


class Tuple(_Placed, ast.Tuple): ...


class UnaryOp(_Placed, ast.UnaryOp): ...


class Argument(_Placed, ast.arg): ...


class Keyword(_Placed, ast.keyword): ...
