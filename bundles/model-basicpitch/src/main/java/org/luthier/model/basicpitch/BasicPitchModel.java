package org.luthier.model.basicpitch;

import java.util.List;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.notes.FrameClock;
import org.luthier.api.notes.FrameLayout;
import org.luthier.nn.Activation;
import org.luthier.nn.Conv2d;
import org.luthier.nn.Convolution;
import org.luthier.nn.Kernels;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The network: how likely each third of a semitone sounds (contour), each semitone sounds (note) and begins (onset), a frame at a time.
 *
 * <p>NOTE: the convolutions with stride 3 have frequency padding 1 and 2, TensorFlow's "same": bin j of the output looks around bin
 * 3j + 1 of the input although its semitone is at 3j.
 */
final class BasicPitchModel implements FrameModel {
    private static final int FRAMES = BasicPitchFrontend.FRAMES;
    private static final int CONTOUR_BINS = 264;
    private static final int PITCHES = 88;
    private static final int LOWEST_PITCH = 21;
    private static final int CHANNELS = 32;
    private static final FrameLayout LAYOUT = new FrameLayout(
            ConstantQ.SAMPLE_RATE / 256.0,
            List.of(
                    new FrameLayout.Output("contour", CONTOUR_BINS, LOWEST_PITCH, 3),
                    new FrameLayout.Output("note", PITCHES, LOWEST_PITCH, 1),
                    new FrameLayout.Output("onset", PITCHES, LOWEST_PITCH, 1)));

    private final ModelDefinition definition;
    private final Ledger ledger;
    private final Kernels kernels;
    private final BasicPitchFrontend frontend;
    private final BatchNorm batchNorm;
    private final HarmonicStack stack;
    private final Conv2d contour1;
    private final Conv2d contour2;
    private final Conv2d note1;
    private final Conv2d note2;
    private final Conv2d onset1;
    private final Conv2d onset2;

    BasicPitchModel(ModelDefinition definition, Weights weights, Kernels kernels) {
        this.definition = definition;
        this.kernels = kernels;
        int harmonics = HarmonicStack.HARMONICS;
        batchNorm = new BatchNorm(BasicPitchFrontend.NORMALISED_LOG, kernels, weights);
        stack = new HarmonicStack(batchNorm.name(), kernels);
        contour1 = relu("contour1", stack, weights, new Convolution.Shape(3, 39, harmonics, 8, 1, 1, 19));
        contour2 = sigmoid("contour2", List.of(contour1), weights, new Convolution.Shape(5, 5, 8, 1, 1, 2, 2));
        note1 = relu("note1", contour2, weights, new Convolution.Shape(7, 7, 1, CHANNELS, 3, 3, 2));
        note2 = sigmoid("note2", List.of(note1), weights, new Convolution.Shape(7, 3, CHANNELS, 1, 1, 3, 1));
        onset1 = relu("onset1", stack, weights, new Convolution.Shape(5, 5, harmonics, CHANNELS, 3, 2, 1));
        onset2 = sigmoid(
                "onset2", List.of(note2, onset1), weights, new Convolution.Shape(3, 3, 1 + CHANNELS, 1, 1, 1, 1));
        weights.finish();
        ledger = weights.ledger();
        frontend = new BasicPitchFrontend(kernels);
    }

    private Conv2d relu(String name, Layer input, Weights weights, Convolution.Shape shape) {
        return new Conv2d(name, List.of(input.name()), kernels, weights, shape, Activation.RELU);
    }

    private Conv2d sigmoid(String name, List<Layer> inputs, Weights weights, Convolution.Shape shape) {
        return new Conv2d(name, inputs.stream().map(Layer::name).toList(), kernels, weights, shape, Activation.SIGMOID);
    }

    @Override
    public ModelDefinition definition() {
        return definition;
    }

    @Override
    public Frontend frontend() {
        return frontend;
    }

    @Override
    public FrameLayout layout() {
        return LAYOUT;
    }

    @Override
    public List<String> outputTaps() {
        return List.of(contour2.name(), note2.name(), onset2.name());
    }

    @Override
    public Layer root() {
        return new Layer.Group(
                BasicPitchFamily.ID,
                List.of(frontend.layer(), batchNorm, stack, contour1, contour2, note1, note2, onset1, onset2));
    }

    @Override
    public Ledger ledger() {
        return ledger;
    }

    @Override
    public Joining joining() {
        return WindowJoining.INSTANCE;
    }

    /** Drops 15 of the 172 frames at either end of every window and lays the other 142 end to end. */
    private enum WindowJoining implements Joining {
        INSTANCE;

        /** What a window of the clock's 172 frames is longer than 43844 samples, and 1.8 ms. */
        private static final double WINDOW_OFFSET = 256.0 / ConstantQ.SAMPLE_RATE * (FRAMES - 43844 / 256.0) + 0.0018;

        @Override
        public int segmentFrames() {
            return FRAMES;
        }

        @Override
        public int trim() {
            return 15;
        }

        @Override
        public int frames(long samples) {
            return (int) ((samples / 36164.0) * 142);
        }

        /**
         * NOTE: the reference's clock takes the joined windows for 172 frames long, not 142, which an error in the offset makes up for on
         * average. It is kept: the goldens' seconds come from it.
         */
        @Override
        public FrameClock clock() {
            return frame -> frame * 256.0 / ConstantQ.SAMPLE_RATE - WINDOW_OFFSET * Math.floorDiv(frame, FRAMES);
        }
    }

    @Override
    public FrameModel.Session open(int rows) {
        return new Session(rows);
    }

    @Override
    public void close() {
        for (Conv2d convolution : List.of(contour1, contour2, note1, note2, onset1, onset2)) {
            convolution.close();
        }
        frontend.close();
    }

    private final class Session implements FrameModel.Session {
        private final Scratch scratch = new Scratch();
        private final Buffers whole;

        Session(int rows) {
            whole = new Buffers(rows);
        }

        @Override
        public List<INDArray> run(INDArray features, Position at, Probe probe) {
            // features: [rows, 172 frames, 309 bins]
            Buffers x = whole.rows((int) features.size(0));
            batchNorm.forward(features, x.normalised, at, probe); // [rows, 172, 309]
            stack.forward(x.normalised, x.stack, at, probe); // [rows, 172, 264, 8 harmonics]
            contour1.forward(x.stack, x.contour1, scratch, at, probe); // [rows, 172, 264, 8]
            contour2.forward(x.contour1, x.contour, scratch, at, probe); // [rows, 172, 264, 1]
            note1.forward(x.contour, x.note1, scratch, at, probe); // [rows, 172, 88, 32]
            note2.forward(x.note1, x.note, scratch, at, probe); // [rows, 172, 88, 1]
            onset1.forward(x.stack, x.onset1, scratch, at, probe); // [rows, 172, 88, 32]
            kernels.concatenate(x.note, x.onset1, x.joined); // [rows, 172, 88, 33]
            onset2.forward(x.joined, x.onset, scratch, at, probe); // [rows, 172, 88, 1]
            return List.of(frames(x.contour), frames(x.note), frames(x.onset));
        }

        private static INDArray frames(INDArray x) {
            return x.reshape(x.size(0), x.size(1), x.size(2));
        }

        @Override
        public void close() {
            scratch.close();
            whole.close();
        }
    }

    /** The intermediates of a batch. */
    private record Buffers(
            INDArray normalised,
            INDArray stack,
            INDArray contour1,
            INDArray contour,
            INDArray note1,
            INDArray note,
            INDArray onset1,
            INDArray joined,
            INDArray onset)
            implements AutoCloseable {

        Buffers(int rows) {
            this(
                    Nd4j.create(DataType.FLOAT, rows, FRAMES, ConstantQ.BINS),
                    bins(rows, CONTOUR_BINS, HarmonicStack.HARMONICS),
                    bins(rows, CONTOUR_BINS, 8),
                    bins(rows, CONTOUR_BINS, 1),
                    bins(rows, PITCHES, CHANNELS),
                    bins(rows, PITCHES, 1),
                    bins(rows, PITCHES, CHANNELS),
                    bins(rows, PITCHES, 1 + CHANNELS),
                    bins(rows, PITCHES, 1));
        }

        private static INDArray bins(int rows, int bins, int channels) {
            return Nd4j.create(DataType.FLOAT, rows, FRAMES, bins, channels);
        }

        /** The first rows of each. */
        Buffers rows(int rows) {
            if (normalised.size(0) == rows) {
                return this;
            }
            return new Buffers(
                    normalised.get(NDArrayIndex.interval(0, rows), NDArrayIndex.all(), NDArrayIndex.all()),
                    first(stack, rows),
                    first(contour1, rows),
                    first(contour, rows),
                    first(note1, rows),
                    first(note, rows),
                    first(onset1, rows),
                    first(joined, rows),
                    first(onset, rows));
        }

        private static INDArray first(INDArray x, int rows) {
            return x.get(NDArrayIndex.interval(0, rows), NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.all());
        }

        @Override
        public void close() {
            for (INDArray x : List.of(normalised, stack, contour1, contour, note1, note, onset1, joined, onset)) {
                x.close();
            }
        }
    }
}
