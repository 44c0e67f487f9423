"""BERT without padding and with its steps fused: what sentence-transformers computes, in less than half of the time.

Texts of a batch stand one behind the other, so that no time goes into padding; weights are packed once into the layout
that oneDNN multiplies in; bias, GELU and the addition of the residual happen within the multiplication. All of it is
plain torch, with no compiler at run time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class PackedBert:
    """The weights of a sentence-transformers model, laid out for reading on a processor."""

    def __init__(self, model: Any) -> None:
        import torch

        bert = model[0].auto_model
        self._torch = torch
        self._size, self._heads = bert.config.hidden_size, bert.config.num_attention_heads
        self._takes_first = model[1].pooling_mode == "cls"
        places = bert.embeddings
        self._words = places.word_embeddings.weight.detach()
        self._places = (places.position_embeddings.weight + places.token_type_embeddings.weight[0]).detach()
        self._norm = _norm(places.LayerNorm)
        self._layers = [_Layer(layer, self._heads) for layer in bert.encoder.layer]

    def __call__(self, texts: Sequence[Sequence[int]]) -> Any:
        """The vectors of texts given as token ids, a row each, of length 1."""
        torch = self._torch
        lengths = [len(ids) for ids in texts]
        with torch.inference_mode():
            words = self._words[torch.tensor([token for ids in texts for token in ids])]
            places = self._places[torch.cat([torch.arange(length) for length in lengths])]
            state = self._norm(words + places)
            runs = _runs(lengths)
            for layer in self._layers:
                state = layer(state, runs)
            texts_apart = state.float().split(lengths)
            pooled = torch.stack([one[0] if self._takes_first else one.mean(0) for one in texts_apart])
            return torch.nn.functional.normalize(pooled, dim=1)


class _Layer:
    """Attention and the two multiplications behind it."""

    def __init__(self, layer: Any, heads: int) -> None:
        import torch

        attention, of_itself = layer.attention, layer.attention.self
        parts = (of_itself.query, of_itself.key, of_itself.value)
        self._heads = heads
        self._asked = _Linear(torch.cat([p.weight for p in parts]), torch.cat([p.bias for p in parts]))
        self._answered = _Linear(attention.output.dense.weight, attention.output.dense.bias)
        self._wide = _Linear(layer.intermediate.dense.weight, layer.intermediate.dense.bias)
        self._narrow = _Linear(layer.output.dense.weight, layer.output.dense.bias)
        self._norms = _norm(attention.output.LayerNorm), _norm(layer.output.LayerNorm)

    def __call__(self, state: Any, runs: Sequence[tuple[int, int]]) -> Any:
        state = self._norms[0](self._answered.plus(self._attend(self._asked(state), runs), state))
        return self._norms[1](self._narrow.plus(self._wide(state, "gelu"), state))

    def _attend(self, asked: Any, runs: Sequence[tuple[int, int]]) -> Any:
        """Every text looks at itself only; those of one length do it at once."""
        import torch

        size = asked.shape[1] // 3
        seen, at = torch.empty(asked.shape[0], size, dtype=asked.dtype), 0
        for length, many in runs:
            end = at + length * many
            parts = asked[at:end].view(many, length, 3, self._heads, size // self._heads).permute(2, 0, 3, 1, 4)
            found = torch.nn.functional.scaled_dot_product_attention(*parts)
            seen[at:end].view(many, length, self._heads, -1).copy_(found.transpose(1, 2))
            at = end
        return seen


class _Linear:
    def __init__(self, weight: Any, bias: Any) -> None:
        import torch

        self._ops = torch.ops.mkldnn
        self._weight, self._bias = self._ops._reorder_linear_weight(weight.detach().contiguous()), bias.detach()

    def __call__(self, state: Any, then: str = "none") -> Any:
        return self._ops._linear_pointwise(state, self._weight, self._bias, then, [], "none")

    def plus(self, state: Any, other: Any) -> Any:
        return self._ops._linear_pointwise.binary(state, other, self._weight, self._bias, "add")


def packed(model: Any) -> PackedBert | None:
    """`model` for reading fast, or None where it is of another kind, or this torch lacks what that needs."""
    import torch

    kinds = [type(part).__name__ for part in model]
    config = model[0].auto_model.config if kinds[:2] == ["Transformer", "Pooling"] else None
    fits = (
        config is not None
        and kinds[2:] in ([], ["Normalize"])
        and (config.model_type, config.hidden_act) == ("bert", "gelu")
        and model[1].pooling_mode in ("mean", "cls")
        and torch._C._has_mkldnn
    )
    try:
        return PackedBert(model) if fits else None
    except (AttributeError, RuntimeError):  # another version of these libraries: the plain way works always
        return None


def _norm(norm: Any) -> Any:
    import torch

    weight, bias = norm.weight.detach(), norm.bias.detach()
    return lambda state: torch.nn.functional.layer_norm(state, weight.shape, weight, bias, norm.eps)


def _runs(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """[length, how many in a row have it]."""
    runs: list[tuple[int, int]] = []
    for length in lengths:
        many = runs.pop()[1] if runs and runs[-1][0] == length else 0
        runs.append((length, many + 1))
    return runs
