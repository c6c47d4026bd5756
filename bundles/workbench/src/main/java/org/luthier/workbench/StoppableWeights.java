package org.luthier.workbench;

import java.util.List;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.checkpoint.Weights;

/** Weights of which none is taken any more once that is not wanted: loading a large model takes long. */
record StoppableWeights(Weights weights, Cancellation cancellation) implements Weights {
    /** @throws CancelledException if cancelling was requested */
    @Override
    public float[] take(String name, long... shape) {
        cancellation.check();
        return weights.take(name, shape);
    }

    @Override
    public List<TensorInfo> tensors() {
        return weights.tensors();
    }

    @Override
    public String sourceName(String name) {
        return weights.sourceName(name);
    }

    @Override
    public Ledger ledger() {
        return weights.ledger();
    }

    @Override
    public void finish() {
        weights.finish();
    }
}
