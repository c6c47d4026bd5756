package org.luthier.api.model;

import org.luthier.api.checkpoint.Ledger;

/** A model with its weights loaded: a frame model or a token model. Immutable; may be used by several workers at once. */
public sealed interface Model extends AutoCloseable permits FrameModel, TokenModel {
    /** What it is. */
    ModelDefinition definition();

    /** What its features are made by. */
    Frontend frontend();

    /** The tree of layers: its children are the front end's layer, then the network's, in order of execution. */
    Layer root();

    /** What became of every tensor of the checkpoint. */
    Ledger ledger();

    /** Frees the weights. Nobody uses the model any more. */
    @Override
    void close();
}
