package org.luthier.model.mt3;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import java.util.stream.IntStream;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.t5.DecodingSession;
import org.luthier.nn.t5.Memory;
import org.luthier.nn.t5.Sequences;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The decoding of a batch of segments. Its memory grows to the largest batch and is kept until closed. */
final class Mt3Session extends DecodingSession {
    /**
     * Segments that are encoded at once. Products of the vectors of one segment are as fast as larger ones, and what a layer leaves for the
     * next stays in the cache.
     */
    private static final int ENCODED_AT_ONCE = 1;

    private final Mt3Model model;
    private final Mt3Configuration configuration;
    private final Memory encodings = new Memory();

    /** [segments, frames, model] */
    private Sequences encoded;

    Mt3Session(Mt3Model model, Probe probe) {
        super(model.decoder(), model.kernels(), model.configuration().sizes(), probe);
        this.model = model;
        this.configuration = model.configuration();
    }

    @Override
    public void begin(INDArray features, Position at) {
        int segments = at.rows();
        int frames = configuration.segmentFrames();
        check(model.definition(), "features", features, at, frames, Mt3Frontend.BANDS);
        encoded = encodings.sequences(segments, frames, configuration.sizes().model());
        for (int from = 0; from < segments; from += ENCODED_AT_ONCE) {
            int end = Math.min(from + ENCODED_AT_ONCE, segments);
            model.encoder()
                    .forward(
                            Sequences.of(features.get(interval(from, end), all(), all())), // [rows, frames, bands]
                            stack().batch(end - from, frames),
                            encoded.rows(from, end), // [rows, frames, model]
                            at.some(IntStream.range(from, end).toArray()),
                            probe());
        }
        decode(encoded, at);
    }

    @Override
    public INDArray encoded() {
        return encoded.shaped();
    }

    @Override
    public void beginEncoded(INDArray kept, Position at) {
        check(
                model.definition(),
                "encodings",
                kept,
                at,
                configuration.segmentFrames(),
                configuration.sizes().model());
        decode(Sequences.of(kept), at);
    }

    @Override
    public void close() {
        super.close();
        encodings.close();
    }
}
