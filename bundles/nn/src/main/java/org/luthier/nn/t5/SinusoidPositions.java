package org.luthier.nn.t5;

import java.util.List;
import java.util.Map;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Adds to each vector where it stands: position p is [sin(p w_0), ..., sin(p w_h-1), cos(p w_0), ..., cos(p w_h-1)], w_i = 10000^(-i / (h - 1)),
 * h half of the width. Tap: {@code NAME}, the sum. No weights.
 *
 * <p>NOTE: not Vaswani et al. 2017, where sines and cosines take turns and the exponent is -i / h. The last frequency here is 1/10000
 * exactly.
 */
public final class SinusoidPositions implements AddedPositions {
    private static final double PERIOD = 10000;

    private final Computation computation;
    private final Kernels kernels;
    private final INDArray table;

    /**
     * Computes the sinusoids.
     *
     * @param input name of what they are added to
     * @param positions how many there are
     * @param width even, at least 4
     */
    public SinusoidPositions(String name, String input, Kernels kernels, int positions, int width) {
        this(
                new Computation(name, Computation.POSITIONS, List.of(input), Map.of(), Map.of("period", PERIOD)),
                kernels,
                positions,
                width);
    }

    /** Behind an embedding. Tells both as one computation from the ids, for the vectors in between are seldom recorded. */
    SinusoidPositions(String name, Embedding embedding, Kernels kernels, int positions, int width) {
        this(behind(embedding.computations().get(0), name), kernels, positions, width);
    }

    private static Computation behind(Computation lookup, String name) {
        return new Computation(
                name, Computation.LOOKUP_AND_POSITIONS, lookup.inputs(), lookup.weights(), Map.of("period", PERIOD));
    }

    private SinusoidPositions(Computation computation, Kernels kernels, int positions, int width) {
        this.computation = computation;
        this.kernels = kernels;
        this.table = Nd4j.create(table(positions, width), new long[] {positions, width}, 'c');
    }

    /** [positions, width], computed in double. */
    static float[] table(int positions, int width) {
        int half = width / 2;
        float[] table = new float[positions * width];
        for (int i = 0; i < half; i++) {
            double frequency = Math.pow(PERIOD, -(double) i / (half - 1));
            for (int position = 0; position < positions; position++) {
                table[position * width + i] = (float) Math.sin(position * frequency);
                table[position * width + half + i] = (float) Math.cos(position * frequency);
            }
        }
        return table;
    }

    @Override
    public void forward(Sequences x, int first, Position at, Probe probe) {
        long end = first + x.shaped().size(1);
        if (end > table.size(0)) {
            throw new IllegalArgumentException(
                    name() + ": there are " + table.size(0) + " positions, asked for number " + (end - 1));
        }
        kernels.add(x.shaped(), table.get(NDArrayIndex.interval(first, end), NDArrayIndex.all()));
        probe.offer(name(), at, x.shaped());
    }

    @Override
    public String name() {
        return computation.output();
    }

    @Override
    public List<String> taps() {
        return List.of(name());
    }

    @Override
    public List<Computation> computations() {
        return List.of(computation);
    }

    @Override
    public void close() {
        table.close();
    }
}
