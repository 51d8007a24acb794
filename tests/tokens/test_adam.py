"""Rows of a table are optimised as PyTorch's own Adam and AdamW would optimise each alone."""

import pytest
import torch

from prism.tokens.adam import Adam


@pytest.mark.parametrize(("kind", "decay"), [(torch.optim.Adam, 0.0), (torch.optim.AdamW, 0.01)])
def test_every_row_takes_the_steps_of_torch_s_own_optimiser(kind, decay):
    random = torch.Generator().manual_seed(0)
    start = torch.randn(3, 5, generator=random, dtype=torch.float64)
    gradients = torch.randn(6, 3, 5, generator=random, dtype=torch.float64)
    lengths = (6, 2, 4)  # steps until each row is finished
    rows, first, second = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
    for step in range(6):
        active = torch.tensor([step < length for length in lengths])
        Adam(0.01, decay).update(rows, first, second, gradients[step], active, step + 1)
    for row, length in enumerate(lengths):
        alone = start[row].clone().requires_grad_()
        options = {"lr": 0.01, "weight_decay": decay}
        optimiser = kind([alone], **options)
        for step in range(length):
            alone.grad = gradients[step, row].clone()
            optimiser.step()
        torch.testing.assert_close(rows[row], alone.detach(), rtol=1e-12, atol=1e-12)


def test_entries_are_clamped_after_the_step():
    rows = torch.full((2, 3), 0.095)
    Adam(0.02, clamp=0.1).update(
        rows, torch.zeros(2, 3), torch.zeros(2, 3), -torch.ones(2, 3), torch.tensor([True, False]), 1
    )
    assert torch.equal(rows[0], torch.full((3,), 0.1)) and torch.equal(rows[1], torch.full((3,), 0.095))
