package org.luthier.nn.t5;

import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Adds to each vector what a table has for where it stands. Tap: {@code NAME}, the sum. Weight: {@code NAME.table} [positions, width]. */
public final class StoredPositions implements AddedPositions {
    private final String name;
    private final String input;
    private final List<Weight> weights;
    private final Kernels kernels;
    private final INDArray table;

    /**
     * Takes the table.
     *
     * @param input name of what it is added to
     * @param positions how many there are
     */
    public StoredPositions(String name, String input, Kernels kernels, Weights weights, int positions, int width) {
        this.name = name;
        this.input = input;
        this.kernels = kernels;
        TakenWeights taken = new TakenWeights(weights);
        table = Nd4j.create(taken.take(name + ".table", positions, width), new long[] {positions, width}, 'c');
        this.weights = taken.list();
    }

    @Override
    public void forward(Sequences x, int first, Position at, Probe probe) {
        long end = first + x.shaped().size(1);
        if (end > table.size(0)) {
            throw new IllegalArgumentException(
                    name + ": there are " + table.size(0) + " positions, asked for number " + (end - 1));
        }
        kernels.add(x.shaped(), table.get(NDArrayIndex.interval(first, end), NDArrayIndex.all()));
        probe.offer(name, at, x.shaped());
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> taps() {
        return List.of(name);
    }

    @Override
    public List<Computation> computations() {
        return List.of(new Computation(
                name, Computation.STORED_POSITIONS, List.of(input), Map.of("table", name + ".table"), Map.of()));
    }

    @Override
    public List<Weight> weights() {
        return weights;
    }

    @Override
    public void close() {
        table.close();
    }
}
