"""Makes the goldens of the scores, by mir_eval.

    pip install mir_eval==0.8.2 numpy mido
    python make_golden_scores.py > golden-scores.json                                random pairs of note lists and their scores
    python make_golden_scores.py FOLDER NAME.mid NAME.est.mid ... > golden-corpus.json    scores of MIDI files, two by two

A note is [start, end, pitch, program, drum]. A score is [precision, recall, f1], or null where the reference has no such notes.
"""
import json
import os
import random
import sys
import warnings

import mir_eval
import numpy as np

SEED = 20261125
FRAMES_PER_SECOND = 62.5
START, END, PITCH, PROGRAM, DRUM = range(5)


def f1(p, r):
    return 2 * p * r / (p + r) if p + r > 0 else 0.0


def intervals(notes):
    return np.array([n[:2] for n in notes]).reshape(-1, 2), 440.0 * 2 ** ((np.array([n[PITCH] for n in notes], float) - 69) / 12)


def by_notes(ref, est, **settings):
    if not ref or not est:
        return [0.0, 0.0, 0.0]
    ri, rp = intervals(ref)
    ei, ep = intervals(est)
    return list(mir_eval.transcription.precision_recall_f1_overlap(ri, rp, ei, ep, **settings)[:3])


def by_instrument(ref, est, instrument):
    def group(notes):
        groups = {}
        for n in notes:
            groups.setdefault(("drum",) if n[DRUM] else (instrument(n[PROGRAM]),), []).append(n)
        return groups

    refs, ests = group(ref), group(est)
    in_est = in_ref = 0.0
    for key in set(refs) | set(ests):
        settings = {"offset_ratio": None} if key == ("drum",) else {}
        r, e = refs.get(key, []), ests.get(key, [])
        p, q, _ = by_notes(r, e, **settings)
        in_est += p * len(e)
        in_ref += q * len(r)
    p = in_est / len(est) if est else 0.0
    q = in_ref / len(ref) if ref else 0.0
    return [p, q, f1(p, q)]


def roll(notes, frames):
    cells = np.zeros((128, frames), bool)
    for n in notes:
        end = max(n[END], n[START] + 0.05) if n[END] - n[START] < 0.05 else n[END]
        cells[n[PITCH], int(n[START] * FRAMES_PER_SECOND):int(end * FRAMES_PER_SECOND)] = True
    return cells


def by_frame(ref, est):
    frames = int(max(n[END] + 0.05 for n in ref + est) * FRAMES_PER_SECOND) + 2
    a, b = roll(ref, frames), roll(est, frames)
    both = (a & b).sum()
    p = float(both / b.sum()) if b.sum() else 0.0
    r = float(both / a.sum()) if a.sum() else 0.0
    return [p, r, f1(p, r)]


def score(ref, est):
    pitched, found = [n for n in ref if not n[DRUM]], [n for n in est if not n[DRUM]]
    hits, found_hits = [n for n in ref if n[DRUM]], [n for n in est if n[DRUM]]
    return {
        "onset": by_notes(pitched, found, offset_ratio=None) if pitched else None,
        "onset_offset": by_notes(pitched, found) if pitched else None,
        "frame": by_frame(pitched, found) if pitched else None,
        "multi_full": by_instrument(ref, est, lambda p: p) if ref else None,
        "multi_class": by_instrument(ref, est, lambda p: 8 * (p // 8)) if ref else None,
        "multi_flat": by_instrument(ref, est, lambda p: 0) if ref else None,
        "drum": by_notes(hits, found_hits, offset_ratio=None) if hits else None,
    }


def piece(rng, count, seconds, pitches, programs, drums, grid):
    notes = []
    for _ in range(count):
        start = rng.uniform(0, seconds)
        start = round(start / grid) * grid if grid else round(start, 6)
        length = rng.choice([0.01, 0.05, 0.1, 0.25, 1.0, round(rng.uniform(0.02, 3), 6)])
        drum = rng.random() < drums
        notes.append([start, start + length, rng.randint(*pitches), 0 if drum else rng.choice(programs), int(drum)])
    return notes


def heard(rng, ref, jitter):
    """What a transcriber might make of it: moved, cut, doubled, of another instrument, missed, invented."""
    est = []
    for n in ref:
        if rng.random() < 0.15:
            continue
        for _ in range(2 if rng.random() < 0.1 else 1):
            start = max(0.0, n[START] + jitter(rng))
            end = max(start + 0.001, n[END] + jitter(rng) * rng.choice([1, 4]))
            pitch = n[PITCH] + (rng.choice([-12, -1, 1, 12]) if rng.random() < 0.1 else 0)
            program = n[PROGRAM] if n[DRUM] or rng.random() < 0.7 else rng.choice([0, 1, 8, 40, 41, 127])
            drum = n[DRUM] if rng.random() < 0.95 else 1 - n[DRUM]
            est.append([start, end, min(127, max(0, pitch)), 0 if drum else program, drum])
    return est


def cases(rng):
    yield "nothing at all", [], []
    yield "nothing found", piece(rng, 5, 3, (60, 64), [0], 0, None), []
    yield "nothing to find", [], piece(rng, 5, 3, (60, 64), [0], 0, None)
    yield "drums only", piece(rng, 20, 4, (35, 40), [0], 1, 0.125), piece(rng, 20, 4, (35, 40), [0], 1, 0.125)
    yield "drums found where there are none", piece(rng, 8, 4, (60, 62), [0], 0, 0.125), piece(rng, 8, 4, (60, 62), [0], 0.5, 0.125)
    # The limits themselves are inside: 50 ms, and 20 % of the length; 50.04 ms rounds to the limit and 50.06 ms does not.
    edge = [0.05, -0.05, 0.0501, -0.0501, 0.05004, 0.05006, 0.049999, 0.0500000001]
    yield "onsets at the limit", [[i + 1.0, i + 1.2, 60, 0, 0] for i in range(8)], [[i + 1.0 + d, i + 1.2, 60, 0, 0] for i, d in enumerate(edge)]
    yield "ends at the limit", [[4.0 * i, 4.0 * i + 1, 60, 0, 0] for i in range(8)], [[4.0 * i, 4.0 * i + 1 + 4 * d, 60, 0, 0] for i, d in enumerate(edge)]
    # Here a greedy pairing of neighbours finds fewer pairs than there are.
    yield "chains", [[1 + 0.04 * i, 2, 60, 0, 0] for i in range(20)], [[1.045 + 0.04 * i, 2 + 0.01 * (i % 7), 60, 0, 0] for i in range(20)]
    yield "all at once", [[1, 1 + 0.1 * i, 60, 0, 0] for i in range(1, 25)], [[1.01, 1 + 0.13 * i, 60, 0, 0] for i in range(1, 25)]
    jitters = [
        lambda r: r.gauss(0, 0.02),
        lambda r: r.gauss(0, 0.08),
        lambda r: r.choice([-0.05, -0.01, 0, 0.01, 0.05, 0.06]),
    ]
    for number in range(24):
        grid = rng.choice([None, 0.01, 0.125])
        ref = piece(rng, rng.randint(5, 60), rng.choice([2, 10, 60]), rng.choice([(60, 61), (40, 80), (0, 127)]), [0, 1, 8, 40, 127],
                    rng.choice([0, 0.3]), grid)
        yield "random %d" % number, ref, heard(rng, ref, jitters[number % 3])


def read_midi(path):
    import mido

    file = mido.MidiFile(path)
    notes, programs, sounding, tempo, seconds = [], {}, {}, 500000, 0.0
    for event in mido.merge_tracks(file.tracks):
        seconds += mido.tick2second(event.time, file.ticks_per_beat, tempo)
        if event.type == "set_tempo":
            tempo = event.tempo
        elif event.type == "program_change":
            programs[event.channel] = event.program
        elif event.type == "note_on" and event.velocity > 0:
            sounding.setdefault((event.channel, event.note), []).append(seconds)
        elif event.type in ("note_on", "note_off") and sounding.get((event.channel, event.note)):
            drum = event.channel == 9
            start = sounding[event.channel, event.note].pop(0)
            notes.append([start, seconds, event.note, 0 if drum else programs.get(event.channel, 0), int(drum)])
    return notes


def corpus(folder, names):
    for ref, est in zip(names[::2], names[1::2]):
        scores = score(*(read_midi(os.path.join(folder, name)) for name in (ref, est)))
        yield json.dumps({"reference": ref, "estimate": est, "scores": scores}, separators=(",", ":"))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if len(sys.argv) > 1:
        print('{"madeBy":"make_golden_scores.py","mir_eval":"%s","pairs":[\n%s\n]}'
              % (mir_eval.__version__, ",\n".join(corpus(sys.argv[1], sys.argv[2:]))))
        sys.exit()
    rng = random.Random(SEED)
    lines = [json.dumps({"name": name, "reference": ref, "estimate": est, "scores": score(ref, est)}, separators=(",", ":"))
             for name, ref, est in cases(rng)]
    print('{"madeBy":"make_golden_scores.py","mir_eval":"%s","seed":%d,"cases":[\n%s\n]}' % (mir_eval.__version__, SEED, ",\n".join(lines)))
