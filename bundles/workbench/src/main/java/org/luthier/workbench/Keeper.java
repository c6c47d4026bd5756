package org.luthier.workbench;

import org.luthier.api.model.Position;
import org.luthier.api.model.TokenModel.TokenLayout;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Told what a token model makes of a recording on the way to its tokens. */
public interface Keeper {
    /**
     * Told once, before the first segments.
     *
     * @param layout what tokens the model writes
     */
    void begin(TokenLayout layout);

    /**
     * Told of a batch of segments, each segment once, in any order and by several workers.
     *
     * @param at which segments these are
     * @param features [rows, ...]; not to be used after the call
     * @param encoded [rows, ...] or null, as {@link org.luthier.api.model.Session#encoded} gives it; not to be used after the call
     */
    void keep(Position at, INDArray features, INDArray encoded);
}
