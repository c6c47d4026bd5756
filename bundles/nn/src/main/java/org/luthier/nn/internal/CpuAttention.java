package org.luthier.nn.internal;

import org.luthier.nn.Heads;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Attention as small products of BLAS for each row and head, right on keys and values where they lie, in pieces of scores that stay in
 * the first-level cache from the product with the keys over softmax to the product with the values.
 */
abstract class CpuAttention implements KeyValues {
    private final Heads heads;

    CpuAttention(Heads heads) {
        this.heads = heads;
    }

    /** Called before keys and values are read. */
    void open() {}

    /** Called when they have been read. */
    void done() {}

    /** The pages of a row: runs of consecutive positions. */
    abstract int pages();

    /** Positions of all pages but the last. */
    abstract int pageLength();

    /** Address of the key of a page's first position. */
    abstract long key(int row, int page, int head);

    /** Address of the value of a page's first position. */
    abstract long value(int row, int page, int head);

    /** Floats from one position's key to the next. */
    abstract int keyStride();

    /** Floats from one position's value to the next. */
    abstract int valueStride();

    @Override
    public Heads heads() {
        return heads;
    }

    private int positions(int page) {
        return Math.min(pageLength(), length() - page * pageLength());
    }

    @Override
    public void attend(INDArray queries, INDArray bias, boolean causal, INDArray output, Scratch scratch) {
        Shapes.check("queries", queries, rows(), -1, heads.width());
        Shapes.check("output of attention", output, rows(), queries.size(1), heads.valueWidth());
        int n = (int) queries.size(1);
        int length = length();
        if (bias != null) {
            Shapes.check("bias of scores", bias, heads.count(), n, length);
        }
        // Queries of one head at a time, or the only few queries of several heads.
        int most = Math.max(1, Blas.SMALL / heads.size() / length);
        int queriesAtOnce = Math.min(n, most);
        int headsAtOnce = Math.min(heads.count(), Math.max(1, most / n));
        long scores =
                scratch.natives(0, Math.max(Blas.SMALL / heads.size(), length)).address();
        int floats = Softmax.floats(length);
        Softmax softmax = new Softmax(length, scratch.array(0, floats), scratch.array(1, floats));
        open();
        try (Lines from = Lines.of(queries);
                Lines biases = bias == null ? null : Lines.of(bias);
                Lines to = Lines.writing(output)) {
            Step step = new Step(biases, scratch);
            for (int row = 0; row < rows(); row++) {
                for (int head = 0; head < heads.count(); head += headsAtOnce) {
                    int some = Math.min(headsAtOnce, heads.count() - head);
                    for (int query = 0; query < n; query += queriesAtOnce) {
                        int count = Math.min(queriesAtOnce, n - query);
                        long ofHead = (long) count * length * Float.BYTES;
                        for (int h = 0; h < some; h++) {
                            step.scores(row, head + h, query, count, n, from, scores + h * ofHead, length);
                        }
                        int visible = causal ? length - n + query + 1 : length;
                        softmax.lines(scores, some * count, visible, causal ? 1 : 0, count);
                        for (int h = 0; h < some; h++) {
                            step.mix(row, head + h, count, scores + h * ofHead, length, to, row * n + query);
                        }
                    }
                }
            }
            to.finish();
        } finally {
            done();
        }
    }

    @Override
    public void scores(INDArray queries, INDArray bias, boolean causal, INDArray scores, Scratch scratch) {
        Shapes.check("queries", queries, rows(), -1, heads.width());
        int n = (int) queries.size(1);
        int length = length();
        Shapes.check("scores", scores, rows(), heads.count(), n, length);
        Shapes.bias(bias, scores);
        open();
        try (Lines from = Lines.of(queries);
                Lines biases = bias == null ? null : Lines.of(bias);
                Lines to = Lines.writing(scores)) {
            Step step = new Step(biases, scratch);
            for (int row = 0; row < rows(); row++) {
                for (int head = 0; head < heads.count(); head++) {
                    int line = (row * heads.count() + head) * n;
                    step.scores(row, head, 0, n, n, from, to.at(line), to.stride);
                    for (int query = 0; causal && query < n - 1; query++) {
                        step.mask(to.at(line + query), length - n + query + 1, scratch.array(0, n), length);
                    }
                }
            }
            to.finish();
        } finally {
            done();
        }
    }

    @Override
    public void mix(INDArray probabilities, INDArray output, Scratch scratch) {
        Shapes.check("probabilities", probabilities, rows(), heads.count(), -1, length());
        int n = (int) probabilities.size(2);
        Shapes.check("output of attention", output, rows(), n, heads.valueWidth());
        open();
        try (Lines from = Lines.of(probabilities);
                Lines to = Lines.writing(output)) {
            Step step = new Step(null, scratch);
            for (int row = 0; row < rows(); row++) {
                for (int head = 0; head < heads.count(); head++) {
                    step.mix(row, head, n, from.at((row * heads.count() + head) * n), from.stride, to, row * n);
                }
            }
            to.finish();
        } finally {
            done();
        }
    }

    /** The products of one head, with the pointers that they take. */
    private final class Step {
        private final Address left = new Address();
        private final Address right = new Address();
        private final Address product = new Address();
        private final Lines biases;
        private final float[] line;

        /** @param biases [heads * queries, length], to start the scores with; null for none */
        Step(Lines biases, Scratch scratch) {
            this.biases = biases;
            this.line = biases == null ? null : scratch.array(2, biases.width);
        }

        /** Scores of some of the n queries, from one on. */
        void scores(int row, int head, int query, int count, int n, Lines queries, long scores, int stride) {
            for (int i = 0; biases != null && i < count; i++) {
                left.at(biases.at(head * n + query + i)).get(line, 0, biases.width);
                product.at(scores + (long) i * stride * Float.BYTES).put(line, 0, biases.width);
            }
            left.at(queries.at(row * n + query) + (long) head * heads.size() * Float.BYTES);
            for (int page = 0; page < pages(); page++) {
                Blas.multiply(
                        true,
                        count,
                        positions(page),
                        heads.size(),
                        heads.scale(),
                        left,
                        queries.stride,
                        right.at(key(row, page, head)),
                        keyStride(),
                        biases == null ? 0 : 1,
                        product.at(scores + (long) page * pageLength() * Float.BYTES),
                        stride);
            }
        }

        void mix(int row, int head, int n, long probabilities, int stride, Lines output, int line) {
            product.at(output.at(line) + (long) head * heads.valueSize() * Float.BYTES);
            for (int page = 0; page < pages(); page++) {
                Blas.multiply(
                        false,
                        n,
                        heads.valueSize(),
                        positions(page),
                        1,
                        left.at(probabilities + (long) page * pageLength() * Float.BYTES),
                        stride,
                        right.at(value(row, page, head)),
                        valueStride(),
                        page == 0 ? 0 : 1,
                        product,
                        output.stride);
            }
        }

        void mask(long scores, int visible, float[] hidden, int length) {
            left.at(scores + (long) visible * Float.BYTES).get(hidden, 0, length - visible);
            for (int i = 0; i < length - visible; i++) {
                hidden[i] += MASKED;
            }
            left.put(hidden, 0, length - visible);
        }
    }
}
