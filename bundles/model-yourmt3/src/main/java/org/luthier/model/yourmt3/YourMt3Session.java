package org.luthier.model.yourmt3;

import java.util.Arrays;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Scratch;
import org.luthier.nn.t5.DecodingSession;
import org.luthier.nn.t5.Sequences;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** The decoding of a batch of segments, each of whose channels is a row. Its memory grows to the largest batch and is kept until closed. */
final class YourMt3Session extends DecodingSession {
    private final YourMt3Model model;
    private final YourMt3Configuration configuration;
    private final SegmentEncoder.Session encoder;
    private final Scratch memory = new Scratch();

    /** [segments, frames, model], of several channels [segments, channels, frames, model] */
    private INDArray encoded;

    YourMt3Session(YourMt3Model model, Probe probe) {
        super(model.decoder(), model.kernels(), model.configuration().decoder().stack(), probe);
        this.model = model;
        this.configuration = model.configuration();
        encoder = model.encoder().open();
    }

    @Override
    public void begin(INDArray features, Position at) {
        long frames = configuration.audio().frames();
        check(
                model.definition(),
                "features",
                features,
                at,
                frames,
                configuration.audio().bands());
        encoded = memory.tensor(0, encodedShape(at.rows()));
        // One by one: what a layer leaves for the next stays in the cache, and memory is that of one segment.
        for (int i = 0; i < at.rows(); i++) {
            encoder.forward(segment(features, i), segment(encoded, i), at.some(i), probe());
        }
        decodeSegments(encoded, at);
    }

    private static INDArray segment(INDArray tensor, int number) {
        return tensor.get(NDArrayIndex.interval(number, number + 1));
    }

    private long[] encodedShape(int segments) {
        long frames = configuration.audio().frames();
        long width = configuration.decoder().model();
        int channels = configuration.channels();
        return channels == 1 ? new long[] {segments, frames, width} : new long[] {segments, channels, frames, width};
    }

    @Override
    public INDArray encoded() {
        return encoded;
    }

    @Override
    public void beginEncoded(INDArray kept, Position at) {
        long[] shape = encodedShape(at.rows());
        check(model.definition(), "encodings", kept, at, Arrays.copyOfRange(shape, 1, shape.length));
        decodeSegments(kept, at);
    }

    private void decodeSegments(INDArray segments, Position at) {
        int channels = configuration.channels();
        long rows = (long) at.rows() * channels;
        decode(
                Sequences.of(segments.reshape(
                        'c',
                        rows,
                        configuration.audio().frames(),
                        configuration.decoder().model())),
                at.parts(channels));
    }

    @Override
    public void close() {
        super.close();
        encoder.close();
        memory.close();
    }
}
