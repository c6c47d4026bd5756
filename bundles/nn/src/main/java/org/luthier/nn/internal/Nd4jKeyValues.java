package org.luthier.nn.internal;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import java.util.ArrayList;
import java.util.List;
import org.luthier.nn.Heads;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Attention of all rows and heads at once, over blocks of positions as they lie.
 *
 * <p>A row that has left the batch stays in memory, and is computed along, until fewer than half are left; then these are copied together.
 */
class Nd4jKeyValues implements KeyValues {
    private static final int SCORES = 0;
    private static final int QUERIES = 1;
    private static final int MIXED = 2;
    private static final int PART = 3;

    final MemoryRows memory;
    final List<Nd4jBlock> blocks = new ArrayList<>();
    private final Heads heads;

    /** No positions yet. */
    Nd4jKeyValues(Heads heads, int rows) {
        this.heads = heads;
        this.memory = new MemoryRows(rows);
    }

    /** Attention to keys and values of the caller. */
    Nd4jKeyValues(Heads heads, INDArray keys, INDArray values) {
        this(heads, (int) keys.size(0));
        Shapes.check("keys", keys, -1, -1, heads.width());
        Shapes.check("values", values, keys.size(0), keys.size(1), heads.valueWidth());
        blocks.add(Nd4jBlock.over(heads, keys, values));
    }

    @Override
    public final Heads heads() {
        return heads;
    }

    @Override
    public final int rows() {
        return memory.batch();
    }

    @Override
    public final int length() {
        return (int) blocks.stream().mapToLong(Nd4jBlock::length).sum();
    }

    @Override
    public final void attend(INDArray queries, INDArray bias, boolean causal, INDArray output, Scratch scratch) {
        Shapes.check("output of attention", output, rows(), queries.size(1), heads.valueWidth());
        INDArray scores = computeScores(queries, bias, causal, scratch);
        Nd4jKernels.softmaxOf(scores);
        computeMixture(scores, output, scratch);
    }

    @Override
    public final void scores(INDArray queries, INDArray bias, boolean causal, INDArray scores, Scratch scratch) {
        Shapes.check("scores", scores, rows(), heads.count(), queries.size(1), length());
        INDArray computed = computeScores(queries, bias, causal, scratch);
        if (memory.inPlace()) {
            scores.assign(computed);
        } else {
            Nd4jKernels.gather(computed, memory.places(), scores);
        }
    }

    @Override
    public final void mix(INDArray probabilities, INDArray output, Scratch scratch) {
        Shapes.check("probabilities", probabilities, rows(), heads.count(), -1, length());
        long n = probabilities.size(2);
        Shapes.check("output of attention", output, rows(), n, heads.valueWidth());
        INDArray own = scratch.tensor(SCORES, memory.memory(), heads.count(), n, length());
        if (memory.inPlace()) {
            own.assign(probabilities);
        } else {
            Nd4jKernels.gather(probabilities, memory.owners(), own);
        }
        computeMixture(own, output, scratch);
    }

    /** [rows of memory, heads, n, length], in the scratch. */
    private INDArray computeScores(INDArray queries, INDArray bias, boolean causal, Scratch scratch) {
        Shapes.check("queries", queries, rows(), -1, heads.width());
        long n = queries.size(1);
        INDArray spread = queries;
        if (!memory.inPlace()) {
            spread = scratch.tensor(QUERIES, memory.memory(), n, heads.width());
            Nd4jKernels.gather(queries, memory.owners(), spread);
        }
        INDArray byHead = Nd4jBlock.byHead(spread, heads); // [rows, heads, n, size]
        INDArray scores = scratch.tensor(SCORES, memory.memory(), heads.count(), n, length());
        long from = 0;
        for (Nd4jBlock block : blocks) {
            Nd4jKernels.product(byHead, block.keys(), true, under(block, scores, from));
            from += block.length();
        }
        if (heads.scale() != 1) {
            scores.muli(heads.scale());
        }
        if (bias != null) {
            Shapes.bias(bias, scores);
            scores.addi(bias);
        }
        if (causal && n > 1) {
            try (INDArray mask = mask((int) n)) {
                scores.addi(mask);
            }
        }
        return scores;
    }

    /** [1, 1, n, length]. */
    private INDArray mask(int n) {
        int length = length();
        float[] mask = new float[n * length];
        for (int query = 0; query < n; query++) {
            for (int key = Math.max(0, length - n + query + 1); key < length; key++) {
                mask[query * length + key] = MASKED;
            }
        }
        return Nd4j.create(mask, new long[] {1, 1, n, length}, 'c');
    }

    /**
     * Mixes the values.
     *
     * @param probabilities [rows of memory, heads, n, length], in the scratch
     */
    private void computeMixture(INDArray probabilities, INDArray output, Scratch scratch) {
        long n = probabilities.size(2);
        INDArray mixed = memory.inPlace() ? output : scratch.tensor(MIXED, memory.memory(), n, heads.valueWidth());
        INDArray byHead = Nd4jBlock.byHead(mixed, heads); // [rows, heads, n, size]
        long from = 0;
        for (Nd4jBlock block : blocks) {
            INDArray under = under(block, probabilities, from);
            if (from == 0) {
                Nd4jKernels.product(under, block.values(), false, byHead);
            } else {
                INDArray part = scratch.tensor(PART, memory.memory(), heads.count(), n, heads.valueSize());
                Nd4jKernels.product(under, block.values(), false, part);
                byHead.addi(part);
            }
            from += block.length();
        }
        if (mixed != output) {
            Nd4jKernels.gather(mixed, memory.places(), output);
        }
    }

    /** The columns of a block, which begins at a position. */
    private INDArray under(Nd4jBlock block, INDArray scores, long from) {
        return blocks.size() == 1 ? scores : scores.get(all(), all(), all(), interval(from, from + block.length()));
    }

    @Override
    public final void reorder(int[] sources) {
        int[] needed = memory.select(sources);
        if (needed != null) {
            blocks.replaceAll(block -> {
                Nd4jBlock selected = block.select(needed);
                block.close();
                return selected;
            });
        }
    }

    @Override
    public final void close() {
        blocks.forEach(Nd4jBlock::close);
        blocks.clear();
    }
}
