package org.luthier.debug;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Model;
import org.luthier.api.model.TokenModel;

/**
 * What a model is run on, cut into segments.
 *
 * @param numbers numbers of the segments
 * @param rows for each of them, its row in the arrays
 * @param samples [rows, window], or null
 * @param lengths samples of each row that come before the recording's end, or null
 * @param features [rows, feature shape...], or null to take what the front end gives
 * @param ids what the decoder is fed, [rows * channels][positions], or null for what it says itself
 * @param tokens how many ids the decoder is to say, or 0 for all up to the end id
 */
record TraceSegments(
        List<Integer> numbers,
        List<Integer> rows,
        float[] samples,
        int[] lengths,
        float[] features,
        int[][] ids,
        int tokens) {
    /**
     * Cuts an input.
     *
     * @throws LuthierException if it does not fit the model
     */
    static TraceSegments of(TraceInput input, Model model) {
        if (input instanceof TraceInput.Samples sound) {
            return cut(sound, model.frontend().framing());
        }
        if (input instanceof TraceInput.Features given) {
            int rows = given.segments().size();
            return all(given.segments(), null, null, sized("features", given.values(), rows, featureShape(model)));
        }
        if (input instanceof TraceInput.Forced forced) {
            TraceSegments segments = of(forced.input(), model);
            return segments.with(checked(forced.ids(), segments.numbers().size(), model), 0);
        }
        return recorded((TraceInput.Recorded) input, model);
    }

    private static TraceSegments all(List<Integer> numbers, float[] samples, int[] lengths, float[] features) {
        List<Integer> rows = IntStream.range(0, numbers.size()).boxed().toList();
        return new TraceSegments(numbers, rows, samples, lengths, features, null, 0);
    }

    private TraceSegments with(int[][] forced, int count) {
        return new TraceSegments(numbers, rows, samples, lengths, features, forced, count);
    }

    private TraceSegments only(List<Integer> chosen, String title) {
        if (!numbers.containsAll(chosen)) {
            throw new LuthierException(title + " holds the segments " + numbers + ", asked for " + chosen);
        }
        return new TraceSegments(
                chosen, chosen.stream().map(numbers::indexOf).toList(), samples, lengths, features, ids, tokens);
    }

    private static TraceSegments cut(TraceInput.Samples sound, Framing framing) {
        List<Integer> segments = sound.segments();
        float[] cut = new float[Math.multiplyExact(segments.size(), framing.window())];
        int[] lengths = new int[segments.size()];
        int count = framing.segments(sound.samples().length);
        for (int row = 0; row < lengths.length; row++) {
            int segment = segments.get(row);
            if (segment < 0 || segment >= count) {
                throw new LuthierException(
                        "no segment " + segment + ": the recording has segments 0 to " + (count - 1));
            }
            framing.cut(sound.samples(), segment, cut, row * framing.window());
            lengths[row] = framing.length(sound.samples().length, segment);
        }
        return all(segments, cut, lengths, null);
    }

    private static TraceSegments recorded(TraceInput.Recorded input, Model model) {
        Reference reference = input.reference();
        String family = reference.header().model();
        if (!family.isEmpty() && !family.equals(model.definition().family())) {
            throw new LuthierException("cannot run " + model.definition().id() + ", of model family '"
                    + model.definition().family() + "', on what " + reference.title() + " recorded of family '" + family
                    + "'; say with --model or --checkpoint which model it is");
        }
        String samplesName = Tracer.samplesName(model);
        String featuresName = Tracer.featuresName(model);
        float[] samples = whole(reference, samplesName);
        float[] features = whole(reference, featuresName);
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
        samples = samples == null ? null : sized(samplesName, samples, numbers.size(), window);
        features = features == null ? null : sized(featuresName, features, numbers.size(), featureShape(model));
        // What was recorded counts as whole: how much of it was filled up is not known.
        int[] lengths = new int[numbers.size()];
        Arrays.fill(lengths, window);
        TraceSegments all = all(numbers, samples, lengths, features);
        if (model instanceof TokenModel) {
            float[] ids = whole(reference, Tracer.IDS);
            all = all.with(
                    ids == null ? null : checked(lines(reference.tensor(Tracer.IDS)), numbers.size(), model),
                    reference.has(Tracer.TOKENS) ? last(reference.tensor(Tracer.TOKENS)) : 0);
        }
        return input.segments() == null ? all : all.only(input.segments(), reference.title());
    }

    static LuthierException noInputs(Reference reference, Model model) {
        return new LuthierException(reference.title() + " holds no inputs to run the model on: expected "
                + Tracer.featuresName(model) + " or " + Tracer.samplesName(model) + ", whole, got "
                + String.join(", ", reference.names()));
    }

    /** Shape of the features of one segment. */
    static long[] featureShape(Model model) {
        return model.frontend().featureShape().stream()
                .mapToLong(Long::longValue)
                .toArray();
    }

    private static float[] whole(Reference reference, String name) {
        if (!reference.has(name)) {
            return null;
        }
        RecordedTensor tensor = reference.tensor(name);
        return tensor.slices().isEmpty() ? tensor.values() : null;
    }

    private static float[] sized(String name, float[] values, int rows, long... shape) {
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

    /** The lines of a tensor of ids; one of one dimension is one line. */
    static int[][] lines(RecordedTensor ids) {
        int length = last(ids);
        int[][] lines = new int[length == 0 ? 0 : ids.values().length / length][length];
        for (int i = 0; i < lines.length * length; i++) {
            lines[i / length][i % length] = (int) ids.values()[i];
        }
        return lines;
    }

    private static int last(RecordedTensor tensor) {
        return tensor.shape().get(tensor.shape().size() - 1);
    }

    private static int[][] checked(int[][] ids, int segments, Model model) {
        if (!(model instanceof TokenModel tokens)) {
            throw new LuthierException(
                    model.definition().id() + " has no decoder that could be fed ids: it makes posteriorgrams");
        }
        TokenModel.TokenLayout layout = tokens.layout();
        int rows = segments * layout.channels();
        if (ids.length != rows) {
            throw new LuthierException(Tracer.IDS + ": expected " + rows + " rows, for " + segments
                    + (segments == 1 ? " segment" : " segments")
                    + (layout.channels() == 1 ? "" : " of " + layout.channels() + " channels") + ", got "
                    + ids.length);
        }
        if (ids[0].length > layout.maxTokens()) {
            throw new LuthierException(
                    Tracer.IDS + ": expected at most " + layout.maxTokens() + " ids a row, got " + ids[0].length);
        }
        for (int[] row : ids) {
            for (int id : row) {
                if (id < 0 || id >= layout.outputRows()) {
                    throw new LuthierException(
                            Tracer.IDS + ": expected ids from 0 to " + (layout.outputRows() - 1) + ", got " + id);
                }
            }
        }
        return ids;
    }
}
