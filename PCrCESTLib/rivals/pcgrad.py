"""Gradients of several losses combined so that none undoes another (PCGrad; Yu 2020, arXiv:2001.06782)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from PCrCESTLib.rivals.layers import Tensor


def projection(gram: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Weights of the original gradients in their combination.

    Each gradient loses its component along every other one, in random order, that it conflicts with (negative dot
    product); the results are summed. All that is linear in the original gradients, so their Gram matrix suffices and
    the long vectors are touched only twice.

    Parameters
    ----------
    gram : ndarray
        (n_losses, n_losses) dot products of the gradients.
    rng : Generator
        Decides the order.

    Returns
    -------
    ndarray
        (n_losses,).
    """
    n = len(gram)
    weights = np.eye(n)
    for i in range(n):
        for j in rng.permutation(n):
            dot = weights[i] @ gram[:, j]
            if j != i and dot < 0:
                weights[i, j] -= dot / gram[j, j]
    return np.asarray(weights.sum(axis=0))


def combined_gradients(
    losses: Sequence[Tensor], parameters: Sequence[Tensor], rng: np.random.Generator
) -> list[Tensor]:
    """Gradients of all losses, from one forward pass, combined by PCGrad.

    A denoising loss depends on its denoiser alone, so its backward pass stops there; where a loss does not reach a
    parameter, its gradient is absent rather than a block of zeros.

    Parameters
    ----------
    losses : sequence of Tensor
        Scalars of one graph.
    parameters : sequence of Tensor
        Leaves, each reached by one loss at least.
    rng : Generator
        Decides the order of the projections.

    Returns
    -------
    list of Tensor
        One for every parameter.
    """
    import torch

    if len(losses) == 1:
        return list(torch.autograd.grad(losses[0], list(parameters)))
    gradients = [
        torch.autograd.grad(loss, list(parameters), retain_graph=i < len(losses) - 1, allow_unused=True)
        for i, loss in enumerate(losses)
    ]
    weights = projection(_gram(gradients), rng)
    combined = []
    for parts in zip(*gradients, strict=True):
        terms = [part * float(w) for part, w in zip(parts, weights, strict=True) if part is not None]
        combined.append(torch.stack(terms).sum(0) if len(terms) > 1 else terms[0])
    return combined


def _gram(gradients: list[tuple[Tensor | None, ...]]) -> np.ndarray:
    n = len(gradients)
    gram = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            pairs = zip(gradients[i], gradients[j], strict=True)
            gram[i, j] = sum(float((a * b).sum()) for a, b in pairs if a is not None and b is not None)
            gram[j, i] = gram[i, j]
    return gram
