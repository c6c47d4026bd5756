package org.luthier.model.basicpitch;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Activation;
import org.luthier.nn.Convolution;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Windows of sound to a normalised log constant-Q transform [172 frames, 309 bins], every window by itself.
 *
 * <p>Taps: {@code frontend.halving_1..8} [rows, samples], {@code frontend.cqt} and {@code frontend.normlog} [rows, frames, bins].
 */
final class BasicPitchFrontend implements Frontend, AutoCloseable {
    static final int FRAMES = 172;

    /** Windows of 2 s less a hop; neighbours share 30 frames, half of them before the recording's start. */
    private static final Framing FRAMING = new Framing(ConstantQ.SAMPLE_RATE, 43844, 36164, 3840, 0);

    static final String NORMALISED_LOG = "frontend.normlog";

    private static final int HOP = 256;
    private static final Convolution.Shape HALVING =
            new Convolution.Shape(1, ConstantQ.TAPS, 1, 1, 2, 0, ConstantQ.TAPS / 2 - 1);

    private final Kernels kernels;
    private final Convolution halving;
    private final INDArray bank;
    private final float[] scales = ConstantQ.scales();
    private final CqtLayer layer = new CqtLayer();

    BasicPitchFrontend(Kernels kernels) {
        this.kernels = kernels;
        this.halving = kernels.convolution(HALVING, ConstantQ.lowpass(), new float[1]);
        this.bank = Nd4j.create(ConstantQ.bank(), new long[] {ConstantQ.TAPS, 2 * ConstantQ.OCTAVE}, 'c');
    }

    @Override
    public Framing framing() {
        return FRAMING;
    }

    @Override
    public Layer layer() {
        return layer;
    }

    @Override
    public List<Long> featureShape() {
        return List.of((long) FRAMES, (long) ConstantQ.BINS);
    }

    @Override
    public Frontend.Session open(int rows) {
        return new Session(rows);
    }

    @Override
    public void close() {
        halving.close();
        bank.close();
    }

    private static final class CqtLayer implements Layer {
        private final List<String> taps;

        CqtLayer() {
            List<String> names = new ArrayList<>();
            for (int octave = 1; octave < ConstantQ.OCTAVES; octave++) {
                names.add("frontend.halving_" + octave);
            }
            names.add("frontend.cqt");
            names.add(NORMALISED_LOG);
            taps = List.copyOf(names);
        }

        @Override
        public String name() {
            return "frontend";
        }

        @Override
        public List<String> taps() {
            return taps;
        }

        @Override
        public List<Computation> computations() {
            // What each octave is made from: the window itself, or its halving.
            List<String> signals = new ArrayList<>(List.of("frontend.in"));
            List<Computation> computations = new ArrayList<>();
            for (int octave = 1; octave < ConstantQ.OCTAVES; octave++) {
                computations.add(computation(halving(octave), "halving", List.of(signals.get(octave - 1))));
                signals.add(halving(octave));
            }
            computations.add(computation(cqt(), "constant-q", signals));
            computations.add(computation(normalisedLog(), "normalised-log", List.of(cqt())));
            return computations;
        }

        private static Computation computation(String output, String operation, List<String> inputs) {
            return new Computation(output, operation, inputs, Map.of(), Map.of());
        }

        String halving(int octave) {
            return taps.get(octave - 1);
        }

        String cqt() {
            return taps.get(ConstantQ.OCTAVES - 1);
        }

        String normalisedLog() {
            return taps.get(ConstantQ.OCTAVES);
        }
    }

    private final class Session implements Frontend.Session {
        private final Scratch scratch = new Scratch();
        /** Signal of each octave, [rows, 1, samples, 1]; the first is the window itself. */
        private final INDArray[] signals = new INDArray[ConstantQ.OCTAVES];

        private final INDArray frames;
        private final INDArray products;
        private final INDArray cqt;
        private final INDArray features;

        private final float[] signalValues;
        private final float[] framed = new float[FRAMES * ConstantQ.TAPS];
        private final float[] sums = new float[FRAMES * 2 * ConstantQ.OCTAVE];
        private final float[] levels;

        Session(int rows) {
            int samples = FRAMING.window();
            for (int octave = 0; octave < ConstantQ.OCTAVES; octave++) {
                signals[octave] = Nd4j.create(DataType.FLOAT, rows, 1, samples, 1);
                samples = HALVING.outputFrequency(samples);
            }
            frames = Nd4j.create(DataType.FLOAT, FRAMES, ConstantQ.TAPS);
            products = Nd4j.create(DataType.FLOAT, FRAMES, 2 * ConstantQ.OCTAVE);
            cqt = Nd4j.create(DataType.FLOAT, rows, FRAMES, ConstantQ.BINS);
            features = Nd4j.create(DataType.FLOAT, rows, FRAMES, ConstantQ.BINS);
            signalValues = new float[rows * FRAMING.window()];
            levels = new float[rows * FRAMES * ConstantQ.BINS];
        }

        @Override
        public INDArray features(INDArray samples, int[] lengths, Position at, Probe probe) {
            int rows = (int) samples.size(0);
            INDArray signal = rows(signals[0], rows);
            signal.assign(samples.reshape(rows, 1, FRAMING.window(), 1));
            for (int octave = 0; octave < ConstantQ.OCTAVES; octave++) { // signal: [rows, 1, samples >> octave, 1]
                transform(signal, octave);
                if (octave + 1 < ConstantQ.OCTAVES) {
                    INDArray half = rows(signals[octave + 1], rows);
                    halving.apply(signal, Activation.NONE, half, scratch);
                    String tap = layer.halving(octave + 1);
                    if (probe.wants(tap)) {
                        probe.tap(tap, at, half.reshape(rows, half.size(2)));
                    }
                    signal = half;
                }
            }
            INDArray transformed = rows(cqt, rows); // [rows, 172, 309]
            HostFloats.write(levels, transformed);
            if (probe.wants(layer.cqt())) {
                probe.tap(layer.cqt(), at, transformed);
                HostFloats.read(transformed, levels);
            }
            for (int row = 0; row < rows; row++) {
                normaliseLog(levels, row * FRAMES * ConstantQ.BINS, FRAMES * ConstantQ.BINS);
            }
            INDArray result = rows(features, rows); // [rows, 172, 309]
            HostFloats.write(levels, result);
            probe.offer(layer.normalisedLog(), at, result);
            return result;
        }

        /** Correlates every frame of one octave's signal with the bank; writes the octave's bins of the magnitudes into the levels. */
        private void transform(INDArray signal, int octave) {
            int rows = (int) signal.size(0);
            int samples = (int) signal.size(2);
            HostFloats.read(signal, signalValues);
            for (int row = 0; row < rows; row++) {
                frame(signalValues, row * samples, samples, HOP >> octave, framed);
                HostFloats.write(framed, frames); // [172, 256]
                kernels.matmul(frames, bank, products); // [172, 72]
                HostFloats.read(products, sums);
                magnitudes(octave, row * FRAMES * ConstantQ.BINS);
            }
        }

        /** Frames centred on every hop, the signal mirrored at its ends without repeating the end itself. */
        private static void frame(float[] signal, int offset, int samples, int hop, float[] framed) {
            for (int t = 0; t < FRAMES; t++) {
                int start = t * hop - ConstantQ.TAPS / 2;
                int to = t * ConstantQ.TAPS;
                if (start >= 0 && start + ConstantQ.TAPS <= samples) {
                    System.arraycopy(signal, offset + start, framed, to, ConstantQ.TAPS);
                } else {
                    for (int i = 0; i < ConstantQ.TAPS; i++) {
                        int from = Math.abs(start + i);
                        framed[to + i] = signal[offset + (from < samples ? from : 2 * (samples - 1) - from)];
                    }
                }
            }
        }

        private void magnitudes(int octave, int offset) {
            int lowest = (ConstantQ.OCTAVES - 1 - octave) * ConstantQ.OCTAVE - ConstantQ.SURPLUS;
            for (int t = 0; t < FRAMES; t++) {
                int from = t * 2 * ConstantQ.OCTAVE;
                int to = offset + t * ConstantQ.BINS + lowest;
                for (int k = Math.max(0, -lowest); k < ConstantQ.OCTAVE; k++) {
                    float re = scales[lowest + k] * sums[from + k];
                    float im = scales[lowest + k] * sums[from + ConstantQ.OCTAVE + k];
                    levels[to + k] = (float) Math.sqrt(re * re + im * im);
                }
            }
        }

        /** Magnitudes to decibels, then to 0..1 between the window's lowest and highest; silence is all 0. */
        private static void normaliseLog(float[] x, int offset, int length) {
            float lowest = Float.POSITIVE_INFINITY;
            float highest = Float.NEGATIVE_INFINITY;
            float decibels = (float) (10 / Math.log(10));
            for (int i = offset; i < offset + length; i++) {
                float level = (float) Math.log(x[i] * x[i] + 1e-10f) * decibels;
                lowest = Math.min(lowest, level);
                highest = Math.max(highest, level);
                x[i] = level;
            }
            float range = highest - lowest;
            for (int i = offset; i < offset + length; i++) {
                x[i] = range == 0 ? 0 : (x[i] - lowest) / range;
            }
        }

        private static INDArray rows(INDArray buffer, int rows) {
            if (buffer.size(0) == rows) {
                return buffer;
            }
            return buffer.rank() == 3
                    ? buffer.get(NDArrayIndex.interval(0, rows), NDArrayIndex.all(), NDArrayIndex.all())
                    : buffer.get(
                            NDArrayIndex.interval(0, rows), NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.all());
        }

        @Override
        public void close() {
            scratch.close();
            for (INDArray signal : signals) {
                signal.close();
            }
            frames.close();
            products.close();
            cqt.close();
            features.close();
        }
    }
}
