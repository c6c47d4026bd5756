package org.luthier.nn.t5;

import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.luthier.nn.Projection;

/** The product that ends a part of a block: what comes out is added to the residual stream. */
final class ResidualProjection implements AutoCloseable {
    private final String tap;
    private final Kernels kernels;
    private final Projection projection;

    /** @param tap name of what comes out, before it is added */
    ResidualProjection(String tap, Kernels kernels, float[] weight, int inputs, int outputs) {
        this.tap = tap;
        this.kernels = kernels;
        projection = kernels.projection(weight, inputs, outputs);
    }

    /**
     * Adds x W to the stream.
     *
     * @param x [rows, length, inputs]
     */
    void forward(Sequences x, Batch batch, Position at, Probe probe) {
        if (probe.wants(tap)) {
            // The part has done its work, so its input may go.
            Sequences y = batch.normalised(); // [rows, length, model]
            projection.apply(x.flat(), y.flat(), batch.scratch());
            probe.tap(tap, at, y.shaped());
            kernels.add(batch.stream().flat(), y.flat());
        } else {
            projection.accumulate(x.flat(), batch.stream().flat(), batch.scratch());
        }
    }

    @Override
    public void close() {
        projection.close();
    }
}
