"""What a captioner of make_captioners.py computes, written as JSON: its form is described there."""
import json

import torch


def beam_search(model, seen, state, start, end, never, beam=3, words_max=12):
    """The likeliest caption of one photo by the sum of log p; words of `never` are never said, nor counted."""
    open_beams, best = [([], 0.0, state)], None
    for step in range(words_max + 1):
        candidates = []
        for words, score, own in open_beams:
            logits, after = model.step(seen, torch.tensor([words[-1] if words else start]), own)
            logits[0, never] = -float("inf")
            log_p = logits.log_softmax(1)[0]
            for word in range(log_p.shape[0]):
                candidates.append((words + [word], score + log_p[word].item(), after))
        candidates = sorted(candidates, key=lambda one: -one[1])
        if step == words_max:
            candidates = [one for one in candidates if one[0][-1] == end]
        for words, score, _ in candidates[:beam]:
            if words[-1] == end and (best is None or score > best[1]):
                best = (words[:-1], score)
        open_beams = [one for one in candidates if one[0][-1] != end][:beam]
        if not open_beams or (best is not None and best[1] >= open_beams[0][1]):
            break
    return [best[0], best[1]]


def expect(name, folder, model, grid, words, start, end, never, steps=6):
    with torch.no_grad():
        seen, state = model.begin(grid)
        generator = torch.Generator().manual_seed(5)
        forced = torch.randint(1, len(words) - 3, (2, steps), generator=generator)
        forced[:, 0] = start
        logits, own = [], state
        for t in range(steps):
            out, own = model.step(seen, forced[:, t], own)
            logits.append(out)
        captions = [beam_search(model, None if seen is None else seen[n : n + 1], tuple(s[n : n + 1] for s in state),
                                start, end, never) for n in range(2)]
    with open(f"{folder}/{name}.json", "w") as file:
        json.dump({"words": words, "start": start, "end": end, "forced": forced.tolist(),
                   "features": [grid.mean().item()] + grid[1, :3].flatten().tolist(),
                   "logits": [[[round(x, 6) for x in row] for row in step.tolist()] for step in logits],
                   "captions": captions}, file)
    print(name, captions)
