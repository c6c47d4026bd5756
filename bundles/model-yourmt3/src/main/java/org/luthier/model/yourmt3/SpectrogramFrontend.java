package org.luthier.model.yourmt3;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.audio.spectrum.MelFilterbank;
import org.luthier.audio.spectrum.Stft;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Scratch;
import org.luthier.nn.TakenWeights;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Segments of sound to spectrograms between 0 and 1: magnitudes without the bin at 0 Hz, or powers in mel bands; then logarithms, brought to
 * one range segment by segment.
 *
 * <p>Frames are centred: half a window of each segment's own samples is mirrored at both of its ends. Taps: {@code frontend.magnitudes}
 * [rows, frames, 1025 bins], {@code frontend.mel} [rows, frames, bands] where there are bands, {@code frontend.log} and {@code spectrogram}
 * [rows, frames, bands].
 *
 * <p>NOTE: the smallest value of a segment sets the range of all. Where that is a bin with next to no sound, spectrograms of float and of
 * double transforms differ by some 1e-3.
 */
final class SpectrogramFrontend implements Frontend {
    static final String SPECTROGRAM = "spectrogram";

    private static final String SAMPLES = "frontend.in";
    private static final String MAGNITUDES = "frontend.magnitudes";
    private static final String MEL = "frontend.mel";
    private static final String LOG = "frontend.log";
    private static final String WINDOW_WEIGHT = "frontend.window";
    private static final String MEL_WINDOW_WEIGHT = "frontend.mel.window";
    private static final String FILTERS_WEIGHT = "frontend.mel.filters";

    /** Added to what a logarithm is taken of. */
    private static final double FLOOR = 1e-5;

    /** Added to the range that is divided by. NOTE: not small beside it where there is little sound. */
    private static final float RANGE = 0.008f;

    /** Edges in Hz that the filters of checkpoints were made for. */
    private static final double LOW = 50;

    private static final double HIGH = 8000;

    private final Framing framing;
    private final int hop;
    private final double[] window;
    /** Null where the bins themselves are taken. */
    private final MelFilterbank bank;

    private final int frames;
    private final int bins;
    private final int bands;
    private final Layer layer;

    /**
     * Takes window and filters.
     *
     * @param audio sizes
     */
    SpectrogramFrontend(YourMt3Configuration.Audio audio, org.luthier.api.checkpoint.Weights weights) {
        TakenWeights taking = new TakenWeights(weights);
        int size = audio.window();
        hop = audio.hop();
        bins = size / 2 + 1;
        bands = audio.bands();
        frames = audio.frames();
        framing = new Framing(audio.sampleRate(), audio.segment(), audio.segment(), 0, 0);
        float[] taken = taking.take(audio.mel() ? MEL_WINDOW_WEIGHT : WINDOW_WEIGHT, size);
        window = new double[size];
        for (int i = 0; i < size; i++) {
            window[i] = taken[i];
        }
        bank = audio.mel() ? new MelFilterbank(taking.take(FILTERS_WEIGHT, bins, bands), bins, bands) : null;
        layer = new Steps(audio, taking.list());
    }

    @Override
    public Framing framing() {
        return framing;
    }

    @Override
    public Layer layer() {
        return layer;
    }

    private record Steps(YourMt3Configuration.Audio audio, List<Layer.Weight> weights) implements Layer {
        @Override
        public String name() {
            return "frontend";
        }

        @Override
        public List<String> taps() {
            return audio.mel() ? List.of(MAGNITUDES, MEL, LOG, SPECTROGRAM) : List.of(MAGNITUDES, LOG, SPECTROGRAM);
        }

        @Override
        public List<Computation> computations() {
            List<Computation> computations = new ArrayList<>();
            computations.add(new Computation(
                    MAGNITUDES,
                    Computation.CENTRED_MAGNITUDES,
                    List.of(SAMPLES),
                    Map.of("window", audio.mel() ? MEL_WINDOW_WEIGHT : WINDOW_WEIGHT),
                    Map.of("sampleRate", (long) audio.sampleRate(), "hop", (long) audio.hop(), "fft", (long)
                            audio.window())));
            if (audio.mel()) {
                computations.add(new Computation(
                        MEL,
                        Computation.POWER_BANDS,
                        List.of(MAGNITUDES),
                        Map.of("filters", FILTERS_WEIGHT),
                        Map.of("sampleRate", (long) audio.sampleRate(), "low", LOW, "high", HIGH)));
            }
            computations.add(new Computation(
                    LOG,
                    Computation.LOGARITHM_OF_SUM,
                    List.of(audio.mel() ? MEL : MAGNITUDES),
                    Map.of(),
                    Map.of("added", FLOOR, "first", audio.mel() ? 0L : 1L)));
            computations.add(new Computation(
                    SPECTROGRAM, Computation.RANGE, List.of(LOG), Map.of(), Map.of("epsilon", (double) RANGE)));
            return computations;
        }
    }

    @Override
    public List<Long> featureShape() {
        return List.of((long) frames, (long) bands);
    }

    @Override
    public Frontend.Session open(int rows) {
        return new Session(rows);
    }

    private final class Session implements Frontend.Session {
        private final Scratch scratch = new Scratch();
        private final Stft stft = new Stft(window, hop);
        private final INDArray features;

        Session(int rows) {
            features = Nd4j.create(DataType.FLOAT, rows, frames, bands);
        }

        @Override
        public INDArray features(INDArray samples, int[] lengths, Position at, Probe probe) {
            int rows = (int) samples.size(0);
            int segment = framing.window();
            float[] sound = scratch.array(0, rows * segment);
            HostFloats.read(samples, sound);

            float[] magnitudes = scratch.array(1, rows * frames * bins); // [rows, frames, bins]
            int margin = window.length / 2;
            float[] mirrored = scratch.array(2, segment + 2 * margin);
            for (int row = 0; row < rows; row++) {
                mirror(sound, row * segment, segment, margin, mirrored);
                stft.magnitudes(mirrored, 0, segment + 2 * margin, frames, magnitudes, row * frames * bins);
            }
            HostFloats.offer(probe, MAGNITUDES, at, magnitudes, rows, frames, bins);

            float[] values = scratch.array(3, rows * frames * bands); // [rows, frames, bands]
            if (bank == null) {
                for (int line = 0; line < rows * frames; line++) {
                    System.arraycopy(magnitudes, line * bins + 1, values, line * bands, bands);
                }
            } else {
                for (int i = 0; i < rows * frames * bins; i++) {
                    magnitudes[i] *= magnitudes[i];
                }
                bank.apply(magnitudes, rows * frames, values);
                HostFloats.offer(probe, MEL, at, values, rows, frames, bands);
            }
            for (int i = 0; i < rows * frames * bands; i++) {
                values[i] = (float) Math.log(values[i] + FLOOR);
            }
            HostFloats.offer(probe, LOG, at, values, rows, frames, bands);
            for (int row = 0; row < rows; row++) {
                toRange(values, row * frames * bands, (row + 1) * frames * bands);
            }
            INDArray result = features.get(NDArrayIndex.interval(0, rows), NDArrayIndex.all(), NDArrayIndex.all());
            HostFloats.write(values, result);
            probe.offer(SPECTROGRAM, at, result);
            return result;
        }

        @Override
        public void close() {
            scratch.close();
            features.close();
        }
    }

    /** Copies a segment with a margin at both ends, mirrored at its first and last sample, which are not repeated. */
    static void mirror(float[] sound, int from, int segment, int margin, float[] mirrored) {
        System.arraycopy(sound, from, mirrored, margin, segment);
        for (int i = 1; i <= margin; i++) {
            mirrored[margin - i] = sound[from + i];
            mirrored[margin + segment - 1 + i] = sound[from + segment - 1 - i];
        }
    }

    /** (x - least) / (most - least + 0.008); what is no number becomes 0. */
    private static void toRange(float[] values, int from, int end) {
        float least = Float.POSITIVE_INFINITY;
        float most = Float.NEGATIVE_INFINITY;
        for (int i = from; i < end; i++) {
            least = Math.min(least, values[i]);
            most = Math.max(most, values[i]);
        }
        float range = most - least + RANGE;
        for (int i = from; i < end; i++) {
            float value = (values[i] - least) / range;
            values[i] = Float.isNaN(value) ? 0 : value;
        }
    }
}
