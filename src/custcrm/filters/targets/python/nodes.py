"""The `ast` nodes that generated code is made of: those of the standard library, each with a place from the start.

`compile` wants to know where every node stands. Generated code has no lines, so all of them stand in the same place,
which their class says; nothing need walk over a finished tree to write it into each.
"""

import ast
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)


def _placed(kind: type[Node]) -> type[Node]:
    return type(kind.__name__, (kind,), {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0})


Attribute = _placed(ast.Attribute)
BinOp = _placed(ast.BinOp)
BoolOp = _placed(ast.BoolOp)
Call = _placed(ast.Call)
Compare = _placed(ast.Compare)
Constant = _placed(ast.Constant)
GeneratorExp = _placed(ast.GeneratorExp)
IfExp = _placed(ast.IfExp)
Lambda = _placed(ast.Lambda)
ListComp = _placed(ast.ListComp)
Name = _placed(ast.Name)
NamedExpr = _placed(ast.NamedExpr)
Tuple = _placed(ast.Tuple)
UnaryOp = _placed(ast.UnaryOp)
Argument = _placed(ast.arg)
Keyword = _placed(ast.keyword)
