package org.luthier.debug;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
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
        Layer layer = model.frontend().layer();
        List<String> taps = LayerTree.of(layer).allTaps();
        this.samplesName = layer.name() + ".in";
        this.featuresName = taps.get(taps.size() - 1);
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
            for (int row = 0; row < segments.numbers().size(); row++) {
                cancellation.check();
                Position at = Position.segments(segments.numbers().get(row), 1);
                INDArray features = null;
                if (segments.samples() != null) {
                    INDArray samples = Tensors.row(segments.samples(), row, segments.window());
                    probe.offer(samplesName, at, samples);
                    features = front.features(samples, at, probe);
                }
                if (segments.features() != null) {
                    features = Tensors.row(segments.features(), row, featureShape());
                }
                network.run(features, at, probe);
            }
        }
    }

    /**
     * The rows to run.
     *
     * @param samples [rows, window], or null
     * @param window samples of a row
     * @param features [rows, feature shape...], or null to take what the front end gives
     */
    private record Segments(List<Integer> numbers, float[] samples, int window, float[] features) {}

    private Segments segments(TraceInput input) {
        Framing framing = model.frontend().framing();
        if (input instanceof TraceInput.Samples sound) {
            float[] cut = new float[Math.multiplyExact(sound.segments().size(), framing.window())];
            int count = framing.segments(sound.samples().length);
            for (int row = 0; row < sound.segments().size(); row++) {
                int segment = sound.segments().get(row);
                if (segment < 0 || segment >= count) {
                    throw new LuthierException(
                            "no segment " + segment + ": the recording has segments 0 to " + (count - 1));
                }
                framing.cut(sound.samples(), segment, cut, row * framing.window());
            }
            return new Segments(sound.segments(), cut, framing.window(), null);
        }
        if (input instanceof TraceInput.Features given) {
            return new Segments(
                    given.segments(),
                    null,
                    0,
                    rows("features", given.values(), given.segments().size(), featureShape()));
        }
        Reference reference = ((TraceInput.Recorded) input).reference();
        float[] samples = recorded(reference, samplesName);
        float[] features = recorded(reference, featuresName);
        if (samples == null && features == null) {
            throw new LuthierException(reference.title() + " holds no inputs to run the model on: expected "
                    + featuresName + " or " + samplesName + ", got " + String.join(", ", reference.names()));
        }
        String inputName = samples == null ? featuresName : samplesName;
        int rows = reference.tensor(inputName).shape().get(0);
        List<Integer> numbers = reference.header().segments();
        if (numbers.isEmpty()) {
            numbers = IntStream.range(0, rows).boxed().toList();
        }
        return new Segments(
                numbers,
                samples == null ? null : rows(samplesName, samples, numbers.size(), framing.window()),
                framing.window(),
                features == null ? null : rows(featuresName, features, numbers.size(), featureShape()));
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
