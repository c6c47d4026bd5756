package org.luthier.debug;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Model;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.TokenModel;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs a model with its intermediates in view, one segment at a time, in this thread.
 *
 * <p>The samples of a segment are offered as {@code NAME.in}, NAME being the front end's layer; the last tap of that layer is the
 * features.
 */
public final class Tracer {
    private final Model model;
    private final String samplesName;
    private final String featuresName;

    /** @param model stays open, and is not closed by this */
    public Tracer(Model model) {
        this.model = model;
        this.samplesName = samplesName(model);
        this.featuresName = featuresName(model);
    }

    static String samplesName(Model model) {
        return model.frontend().layer().name() + ".in";
    }

    static String featuresName(Model model) {
        List<String> taps = LayerTree.of(model.frontend().layer()).allTaps();
        return taps.get(taps.size() - 1);
    }

    /**
     * Records the intermediates of a run.
     *
     * @param layers which tensors to keep
     * @throws LuthierException if the model has no such tensor, or the input does not fit
     */
    public Reference trace(TraceInput input, NameGlob layers, Cancellation cancellation) {
        List<String> taps = LayerTree.of(model).allTaps();
        if (!layers.matches(samplesName) && !layers.matchesAny(taps)) {
            throw new LuthierException("no layer matches '" + layers + "'; "
                    + model.definition().id() + " has " + samplesName + ", " + String.join(", ", taps));
        }
        RecordingProbe probe = new RecordingProbe(layers);
        run(input, probe, cancellation);
        return probe.recorded(
                "trace of " + model.definition().id(), model.definition().family());
    }

    /**
     * Runs the model with a probe.
     *
     * @throws LuthierException if the input does not fit the model
     */
    public void run(TraceInput input, Probe probe, Cancellation cancellation) {
        if (model instanceof FrameModel frames) {
            run(frames, input, probe, cancellation);
        } else if (model instanceof TokenModel) {
            throw new LuthierException("tracing token models is not there yet; "
                    + model.definition().id() + " is one");
        }
    }

    private void run(FrameModel frames, TraceInput input, Probe probe, Cancellation cancellation) {
        Segments segments = segments(input);
        try (Frontend.Session front = model.frontend().open(1);
                FrameModel.Session network = frames.open(1)) {
            for (int i = 0; i < segments.numbers().size(); i++) {
                cancellation.check();
                int row = segments.rows().get(i);
                Position at = Position.segments(segments.numbers().get(i), 1);
                INDArray features = null;
                if (segments.samples() != null) {
                    INDArray samples = Tensors.row(segments.samples(), row, segments.window());
                    probe.offer(samplesName, at, samples);
                    features = front.features(samples, new int[] {segments.lengths()[row]}, at, probe);
                }
                if (segments.features() != null) {
                    features = Tensors.row(segments.features(), row, featureShape());
                    if (segments.samples() == null) {
                        // So that the trace holds what it was made from, and can be run again.
                        probe.offer(featuresName, at, features);
                    }
                }
                network.run(features, at, probe);
            }
        }
    }

    /**
     * What to run.
     *
     * @param numbers numbers of the segments
     * @param rows for each of them, its row in the arrays
     * @param samples [rows, window], or null
     * @param window samples of a row
     * @param lengths samples of each row that come before the recording's end, or null
     * @param features [rows, feature shape...], or null to take what the front end gives
     */
    private record Segments(
            List<Integer> numbers, List<Integer> rows, float[] samples, int window, int[] lengths, float[] features) {
        /** All rows. */
        static Segments of(List<Integer> numbers, float[] samples, int window, int[] lengths, float[] features) {
            List<Integer> rows = IntStream.range(0, numbers.size()).boxed().toList();
            return new Segments(numbers, rows, samples, window, lengths, features);
        }

        Segments only(List<Integer> chosen, String title) {
            if (!numbers.containsAll(chosen)) {
                throw new LuthierException(title + " holds the segments " + numbers + ", asked for " + chosen);
            }
            return new Segments(
                    chosen, chosen.stream().map(numbers::indexOf).toList(), samples, window, lengths, features);
        }
    }

    private Segments segments(TraceInput input) {
        Framing framing = model.frontend().framing();
        if (input instanceof TraceInput.Samples sound) {
            float[] cut = new float[Math.multiplyExact(sound.segments().size(), framing.window())];
            int[] lengths = new int[sound.segments().size()];
            int count = framing.segments(sound.samples().length);
            for (int row = 0; row < sound.segments().size(); row++) {
                int segment = sound.segments().get(row);
                if (segment < 0 || segment >= count) {
                    throw new LuthierException(
                            "no segment " + segment + ": the recording has segments 0 to " + (count - 1));
                }
                framing.cut(sound.samples(), segment, cut, row * framing.window());
                lengths[row] = framing.length(sound.samples().length, segment);
            }
            return Segments.of(sound.segments(), cut, framing.window(), lengths, null);
        }
        if (input instanceof TraceInput.Features given) {
            return Segments.of(
                    given.segments(),
                    null,
                    0,
                    null,
                    rows("features", given.values(), given.segments().size(), featureShape()));
        }
        return segments((TraceInput.Recorded) input);
    }

    private Segments segments(TraceInput.Recorded input) {
        Reference reference = input.reference();
        float[] samples = recorded(reference, samplesName);
        float[] features = recorded(reference, featuresName);
        if (samples == null && features == null) {
            throw noInputs(reference, model);
        }
        List<Integer> numbers = reference.header().segments();
        if (numbers.isEmpty()) {
            String name = samples == null ? featuresName : samplesName;
            int rows = reference.tensor(name).shape().get(0);
            numbers = IntStream.range(0, rows).boxed().toList();
        }
        int window = model.frontend().framing().window();
        samples = samples == null ? null : rows(samplesName, samples, numbers.size(), window);
        features = features == null ? null : rows(featuresName, features, numbers.size(), featureShape());
        // What was recorded counts as whole: how much of it was filled up is not known.
        int[] lengths = new int[numbers.size()];
        Arrays.fill(lengths, window);
        Segments all = Segments.of(numbers, samples, window, lengths, features);
        return input.segments() == null ? all : all.only(input.segments(), reference.title());
    }

    static LuthierException noInputs(Reference reference, Model model) {
        return new LuthierException(reference.title() + " holds no inputs to run the model on: expected "
                + featuresName(model) + " or " + samplesName(model) + ", whole, got "
                + String.join(", ", reference.names()));
    }

    private long[] featureShape() {
        return model.frontend().featureShape().stream()
                .mapToLong(Long::longValue)
                .toArray();
    }

    private static float[] recorded(Reference reference, String name) {
        if (!reference.has(name)) {
            return null;
        }
        RecordedTensor tensor = reference.tensor(name);
        return tensor.slices().isEmpty() ? tensor.values() : null;
    }

    private static float[] rows(String name, float[] values, int rows, long... shape) {
        long size = rows;
        for (long length : shape) {
            size = Math.multiplyExact(size, length);
        }
        if (size != values.length) {
            throw new LuthierException(name + ": expected " + rows + " segments of shape " + Arrays.toString(shape)
                    + ", got " + values.length + " values");
        }
        return values;
    }
}
