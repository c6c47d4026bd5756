package org.luthier.decoder.beam;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Session;
import org.luthier.api.tokens.Grammar;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The beam search of T5X: of all continuations of a row's beams the 2 * width likeliest are looked at. One that ends is scored with the sum
 * of its log-probabilities over {@code ((5 + length) / 6)^alpha} (Wu et al. 2016), and the best of these is kept; the likeliest {@code width}
 * others are the next beams. A row is done when none of its beams could still become better than what it has kept, even if all ids
 * that follow were certain.
 *
 * <p>T5X keeps {@code width} that have ended, and goes on until none of those could be replaced. What it answers is the best of them, and that
 * one is settled when it ends here.
 */
final class BeamSearch {
    private final Session session;
    private final Decoder.Limits limits;
    private final int width;
    private final double alpha;

    /**
     * @param session rows in order; the batch grows to {@code width} times as many
     * @param width beams of a row
     * @param alpha how much long rows are favoured; 0 for not at all
     */
    BeamSearch(Session session, Decoder.Limits limits, int width, double alpha) {
        this.session = session;
        this.limits = limits;
        this.width = width;
        this.alpha = alpha;
    }

    /**
     * Decodes all rows.
     *
     * @param grammar a fresh cursor a row, to whose ids the search keeps; null to allow all ids
     */
    List<IntList> decode(Supplier<Grammar> grammar, Cancellation cancellation) {
        List<Row> rows = new ArrayList<>();
        for (int row = 0; row < session.rows(); row++) {
            rows.add(new Row(grammar == null ? null : grammar.get()));
        }
        List<Row> live = rows;
        for (int length = 1; length <= limits.maxTokens() && !live.isEmpty(); length++) {
            cancellation.check();
            session.step(live.stream().flatMapToInt(Row::lastIds).toArray(), null);
            float[][] logits = logits();
            int first = 0; // the session's row of the first beam
            for (Row row : live) {
                first = row.advance(logits, first, length);
            }
            live = live.stream().filter(row -> !row.done()).toList();
            reorder(live.stream().flatMapToInt(Row::sources).toArray(), first);
        }
        return rows.stream().map(Row::ids).toList();
    }

    /** Of each row of the session, for each id. */
    private float[][] logits() {
        float[] all;
        INDArray logits = session.logits(); // [rows, output rows]
        try (INDArray copy = logits.dup('c')) {
            all = copy.data().asFloat();
        }
        float[][] rows = new float[(int) logits.size(0)][(int) logits.size(1)];
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(all, row * rows[row].length, rows[row], 0, rows[row].length);
        }
        return rows;
    }

    /** Rows that only leave need not be copied. */
    private void reorder(int[] sources, int rows) {
        boolean ascending = IntStream.range(1, sources.length).allMatch(i -> sources[i - 1] < sources[i]);
        if (!ascending) {
            session.reorder(sources);
        } else if (sources.length > 0 && sources.length < rows) {
            session.retain(sources);
        }
    }

    private double penalty(int length) {
        return Math.pow((5.0 + length) / 6, alpha);
    }

    /** A segment's search. */
    private final class Row {
        /** The likeliest first. */
        private List<Beam> beams;

        private Beam ended;
        private double endedScore = Double.NEGATIVE_INFINITY;

        Row(Grammar grammar) {
            beams = List.of(new Beam(new Beam.Path(null, limits.vocabulary().pad()), 0, 0, 0, grammar));
        }

        IntStream lastIds() {
            return beams.stream().mapToInt(Beam::last);
        }

        IntStream sources() {
            return beams.stream().mapToInt(Beam::source);
        }

        /**
         * Takes a step.
         *
         * @param first row of the session that the first beam is
         * @param length ids that a beam has afterwards
         * @return the session's row after the last beam
         */
        int advance(float[][] logits, int first, int length) {
            Candidates candidates = new Candidates(2 * width);
            for (int i = 0; i < beams.size(); i++) {
                candidates.offer(beams.get(i), first + i, logits[first + i]);
            }
            int next = first + beams.size();
            beams = new ArrayList<>();
            for (int i = 0; i < candidates.count(); i++) {
                if (candidates.id(i) == limits.vocabulary().end()) {
                    double score = candidates.sum(i) / penalty(length);
                    if (score > endedScore) {
                        endedScore = score;
                        ended = candidates.beam(i);
                    }
                } else if (beams.size() < width) {
                    beams.add(candidates.beam(i));
                }
            }
            if (beams.isEmpty() && ended == null) {
                throw new LuthierException("beam search: no id can follow after " + (length - 1)
                        + " ids: the model's logits are no numbers, or the grammar allows none; layer:diff finds the"
                        + " layer at fault");
            }
            return next;
        }

        /** NOTE: T5X's longest length counts the start token, so the penalty is that of one id more than there can be. */
        boolean done() {
            return beams.isEmpty() || endedScore > beams.get(0).sum() / penalty(limits.maxTokens() + 1);
        }

        IntList ids() {
            return (ended == null ? beams.get(0) : ended).ids();
        }
    }
}
