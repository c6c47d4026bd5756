package org.luthier.model.mt3;

import java.util.Arrays;
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
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Segments of sound to log-mel [frames, 512 bands], every segment by itself: its last 15 frames see zeros although the recording goes on.
 *
 * <p>Taps: {@code frontend.magnitudes} [rows, frames, 1025 bins], {@code frontend.mel} and {@code frontend.logmel} [rows, frames, 512 bands].
 */
final class Mt3Frontend implements Frontend {
    static final int BANDS = 512;

    private static final int SAMPLE_RATE = 16000;
    private static final int HOP = 128;
    private static final int SIZE = 2048;
    private static final double LOWEST = 20;
    private static final double HIGHEST = 7600;
    private static final int BINS = SIZE / 2 + 1;

    /** What a band that is exactly 0 is taken for. NOTE: it bounds nothing; what is nearly 0 lies far below. */
    private static final double FLOOR = 1e-5;

    private static final float SILENCE = (float) Math.log(FLOOR);

    private static final String SAMPLES = "frontend.in";
    private static final String MAGNITUDES = "frontend.magnitudes";
    private static final String MEL = "frontend.mel";
    static final String LOGMEL = "frontend.logmel";

    private final int frames;
    private final Framing framing;
    private final double[] window = Stft.hann(SIZE);
    final MelFilterbank bank = MelFilterbank.straightInMel(SAMPLE_RATE, SIZE, BANDS, LOWEST, HIGHEST);

    /** @param frames frames of a segment: 256, or 512 for the piano model */
    Mt3Frontend(int frames) {
        this.frames = frames;
        // The tail: a recording that ends with a segment has one frame more, which begins another segment.
        framing = new Framing(SAMPLE_RATE, frames * HOP, frames * HOP, 0, 1);
    }

    @Override
    public Framing framing() {
        return framing;
    }

    @Override
    public Layer layer() {
        return new LogMel();
    }

    private static final class LogMel implements Layer {
        @Override
        public String name() {
            return "frontend";
        }

        @Override
        public List<String> taps() {
            return List.of(MAGNITUDES, MEL, LOGMEL);
        }

        /** What is not told: a last segment's frames behind the recording's end, which are 0 whatever they are made from. */
        @Override
        public List<Computation> computations() {
            return List.of(
                    new Computation(
                            MAGNITUDES,
                            Computation.MAGNITUDES,
                            List.of(SAMPLES),
                            Map.of(),
                            Map.of(
                                    "sampleRate",
                                    (long) SAMPLE_RATE,
                                    "window",
                                    (long) SIZE,
                                    "hop",
                                    (long) HOP,
                                    "fft",
                                    (long) SIZE)),
                    new Computation(
                            MEL,
                            Computation.MEL_BANDS,
                            List.of(MAGNITUDES),
                            Map.of(),
                            Map.of(
                                    "sampleRate",
                                    (long) SAMPLE_RATE,
                                    "bands",
                                    (long) BANDS,
                                    "low",
                                    LOWEST,
                                    "high",
                                    HIGHEST)),
                    new Computation(LOGMEL, Computation.LOGARITHM, List.of(MEL), Map.of(), Map.of("floor", FLOOR)));
        }
    }

    @Override
    public List<Long> featureShape() {
        return List.of((long) frames, (long) BANDS);
    }

    @Override
    public Frontend.Session open(int rows) {
        return new Session(rows);
    }

    private final class Session implements Frontend.Session {
        private final Scratch scratch = new Scratch();
        private final Stft stft = new Stft(window, HOP);
        private final INDArray features;

        Session(int rows) {
            features = Nd4j.create(DataType.FLOAT, rows, frames, BANDS);
        }

        @Override
        public INDArray features(INDArray samples, int[] lengths, Position at, Probe probe) {
            int rows = (int) samples.size(0);
            // A row's intermediates are used while they are in the cache, unless somebody wants to see those of all
            // rows.
            int step = probe.wants(MAGNITUDES) || probe.wants(MEL) ? rows : 1;
            for (int row = 0; row < rows; row += step) {
                transform(samples, lengths, row, row + step, at, probe);
            }
            INDArray result = rows(features, 0, rows); // [rows, frames, 512]
            probe.offer(LOGMEL, at, result);
            return result;
        }

        private void transform(INDArray samples, int[] lengths, int from, int to, Position at, Probe probe) {
            int rows = to - from;
            float[] sound = scratch.array(0, rows * framing.window());
            HostFloats.read(samples.get(NDArrayIndex.interval(from, to), NDArrayIndex.all()), sound);

            float[] magnitudes = scratch.array(1, rows * frames * BINS); // [rows, frames, 1025]
            for (int i = 0; i < rows; i++) {
                int valid = valid(lengths[from + i]);
                int first = i * framing.window();
                stft.magnitudes(sound, first, first + framing.window(), valid, magnitudes, i * frames * BINS);
                Arrays.fill(magnitudes, (i * frames + valid) * BINS, (i + 1) * frames * BINS, 0);
            }
            HostFloats.offer(probe, MAGNITUDES, at, magnitudes, rows, frames, BINS);

            float[] mel = scratch.array(2, rows * frames * BANDS); // [rows, frames, 512]
            bank.apply(magnitudes, rows * frames, mel);
            HostFloats.offer(probe, MEL, at, mel, rows, frames, BANDS);

            for (int i = 0; i < rows; i++) {
                int end = (i * frames + valid(lengths[from + i])) * BANDS;
                for (int cell = i * frames * BANDS; cell < end; cell++) {
                    mel[cell] = mel[cell] > 0 ? (float) Math.log(mel[cell]) : SILENCE;
                }
                // NOTE: 0 is loud. The model was trained with it, and attends to these frames as to others.
                Arrays.fill(mel, end, (i + 1) * frames * BANDS, 0);
            }
            HostFloats.write(mel, rows(features, from, to));
        }

        /** Frames that begin before the recording's end, or at it. */
        private int valid(int length) {
            return Math.min(frames, length / HOP + 1);
        }

        private static INDArray rows(INDArray x, int from, int to) {
            return x.get(NDArrayIndex.interval(from, to), NDArrayIndex.all(), NDArrayIndex.all());
        }

        @Override
        public void close() {
            scratch.close();
            features.close();
        }
    }
}
