package org.luthier.model.basicpitch;

import java.util.List;
import java.util.Map;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Lays the harmonics of every bin into its channels, so that a small convolution sees a whole harmonic series. */
final class HarmonicStack implements Layer {
    private static final String NAME = "stack";

    /** Bins from a fundamental to its harmonics 0.5, 1, 2, ... 7: 36 * log2, rounded half to even. */
    private static final int[] SHIFTS = {-36, 0, 36, 57, 72, 84, 93, 101};

    static final int HARMONICS = SHIFTS.length;

    private final String input;
    private final Kernels kernels;

    /** @param input name of what is stacked */
    HarmonicStack(String input, Kernels kernels) {
        this.input = input;
        this.kernels = kernels;
    }

    /** x: [rows, frames, 309 bins]; y: [rows, frames, 264 bins, 8 harmonics]. */
    void forward(INDArray x, INDArray y, Position at, Probe probe) {
        kernels.stack(x, SHIFTS, y);
        probe.offer(NAME, at, y);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<String> taps() {
        return List.of(NAME);
    }

    @Override
    public List<Computation> computations() {
        return List.of(new Computation(NAME, "harmonic-stack", List.of(input), Map.of(), Map.of()));
    }
}
