package org.luthier.debug;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.checkpoint.NamePattern;

/**
 * Explains recordings that were made elsewhere: which key holds which canonical tensor, what was kept of it and how its dimensions lie.
 * A JSON resource of a model family, or a user's file; docs/reference-format.md describes it.
 *
 * @param format {@code luthier-reference-adapter/1}
 * @param title what these recordings are, for messages
 * @param model id of the model family
 * @param framework what made them; null if not known, or if the files themselves say so
 * @param dtype type they were computed in; null likewise
 * @param seed seed of what was random; null for none
 * @param recognise keys that a file of this kind has, all of them
 * @param segments numbers of the segments, a list or the key of a tensor that has a row for each of the first; null if not known
 * @param relativeNoise largest difference that rounding alone makes, over a tensor's largest value, and that at least 1, of tensors whose
 *     entry and file tell no other; null if nobody measured it
 * @param tensors in order of execution; those whose key a file lacks are left out. A run of entries with wildcards is repeated for each
 *     text of the first wildcard, as layers are numbered, and so are in it runs of entries with two of the second. Of a file that tells its
 *     own order, that is the order. The first entry that fits a key explains it; of several keys for one name, the one that an earlier
 *     entry explains is taken
 */
record ReferenceAdapter(
        String format,
        String title,
        String model,
        String framework,
        String dtype,
        String seed,
        List<String> recognise,
        JsonNode segments,
        Double relativeNoise,
        List<Entry> tensors) {
    private static final String FORMAT = "luthier-reference-adapter/1";
    private static final ObjectMapper JSON = ReferenceFormat.withoutNulls(new ObjectMapper());

    ReferenceAdapter {
        if (!FORMAT.equals(format)) {
            throw new IllegalArgumentException("expected the format " + FORMAT + ", got " + format);
        }
        if (recognise == null || recognise.isEmpty() || model == null || tensors == null) {
            throw new IllegalArgumentException(
                    "expected the fields model, recognise with at least one key, and tensors");
        }
        if (segments != null && !segments.isTextual()) {
            numbers(segments);
        }
    }

    private static List<Integer> numbers(JsonNode list) {
        List<Integer> numbers = new ArrayList<>();
        list.forEach(number -> numbers.add(number.isInt() ? number.intValue() : -1));
        if (!list.isArray() || numbers.stream().anyMatch(number -> number < 0)) {
            throw new IllegalArgumentException("segments: expected a list of numbers or a key, got " + list);
        }
        return List.copyOf(numbers);
    }

    /**
     * One tensor. What says {@code template} may repeat what the wildcards stood for.
     *
     * @param key its name in the file; wildcards as in name rules
     * @param sizes of the stored dimensions, -1 for any, that a tensor must have to be explained by this; or null
     * @param beside key that must be in the file for this to explain anything, a template; or null
     * @param name its canonical name, a template; null for the same name
     * @param transpose order of the stored dimensions, or null to leave them
     * @param chosen which vectors the rows are; null for all
     * @param split key, a template, of a tensor whose first two dimensions the first one is to be; or null
     * @param merge dimensions that are to be one with the next, of the turned shape, descending; or null
     * @param insert places in the resulting shape where a dimension of size 1 is added, ascending, or null for none
     * @param keep what was kept, of each dimension that is not whole; or null
     * @param steps whether a dimension counts decoding steps
     * @param noise largest difference that rounding alone makes, or null where nobody measured it
     */
    record Entry(
            String key,
            int[] sizes,
            String beside,
            String name,
            int[] transpose,
            Chosen chosen,
            String split,
            int[] merge,
            int[] insert,
            List<Kept> keep,
            boolean steps,
            Double noise) {
        Entry {
            if (key == null) {
                throw new IllegalArgumentException("expected a key for every tensor");
            }
            NamePattern pattern = new NamePattern(key);
            Stream.of(name, beside, split, chosen == null ? null : chosen.by(), chosen == null ? null : chosen.expert())
                    .filter(template -> template != null && !pattern.fits(template))
                    .findFirst()
                    .ifPresent(template -> {
                        throw new IllegalArgumentException(
                                "'" + template + "' repeats a wildcard that '" + key + "' has not");
                    });
        }

        boolean explains(String found, List<String> captures, Map<String, TensorInfo> file) {
            return (sizes == null || fits(file.get(found).shape()))
                    && (beside == null || file.containsKey(NamePattern.fill(beside, captures)));
        }

        private boolean fits(List<Long> shape) {
            return shape.size() == sizes.length
                    && IntStream.range(0, sizes.length)
                            .allMatch(axis -> sizes[axis] == -1 || sizes[axis] == shape.get(axis));
        }
    }

    /**
     * Rows that are the vectors which chose an expert: those of which it is the first choice, then those of which it is the second, and so
     * on. They are put among all vectors, with zeros at the others.
     *
     * @param by key of the choices [vectors, chosen], a template
     * @param expert number of the expert, a template
     */
    record Chosen(String by, String expert) {
        Chosen {
            if (by == null || expert == null) {
                throw new IllegalArgumentException("chosen: expected by and expert");
            }
        }
    }

    /**
     * What was kept of one dimension.
     *
     * @param axis of the resulting shape
     * @param first how many, from the beginning; or null
     * @param indices which, a list or the key of an integer array in the file; or null
     */
    record Kept(int axis, Integer first, JsonNode indices) {
        Kept {
            if ((first == null) == (indices == null)) {
                throw new IllegalArgumentException("kept of axis " + axis + ": expected either first or indices");
            }
        }

        Slice slice(Checkpoint checkpoint) {
            if (first != null) {
                return Slice.range(axis, 0, first);
            }
            if (!indices.isTextual()) {
                return new Slice(axis, IntLists.immutable.of(new ObjectMapper().convertValue(indices, int[].class)));
            }
            float[] stored = checkpoint.floats(indices.textValue());
            int[] whole = new int[stored.length];
            for (int i = 0; i < whole.length; i++) {
                whole[i] = (int) stored[i];
            }
            return new Slice(axis, IntLists.immutable.of(whole));
        }
    }

    /** @throws LuthierException if it cannot be read or does not fit the schema */
    static ReferenceAdapter read(URL url) {
        try (InputStream in = url.openStream()) {
            ReferenceAdapter adapter = JSON.readValue(in, ReferenceAdapter.class);
            if (adapter == null) {
                throw new IOException("expected an object, got null");
            }
            return adapter;
        } catch (IOException e) {
            throw new LuthierException(
                    "map of names " + url + ": " + reason(e) + "; docs/reference-format.md describes such maps", e);
        }
    }

    private static String reason(IOException e) {
        if (e instanceof UnrecognizedPropertyException unknown) {
            return "unknown field '" + unknown.getPropertyName() + "', there are " + unknown.getKnownPropertyIds();
        }
        if (e instanceof ValueInstantiationException && e.getCause() instanceof IllegalArgumentException wrong) {
            return wrong.getMessage();
        }
        if (e instanceof JsonMappingException mapping && !mapping.getPath().isEmpty()) {
            return "unexpected type at "
                    + mapping.getPath().stream()
                            .map(step -> step.getFieldName() == null
                                    ? "[" + step.getIndex() + "]"
                                    : "." + step.getFieldName())
                            .collect(Collectors.joining());
        }
        return e instanceof JsonProcessingException json
                ? "no such JSON: " + json.getOriginalMessage()
                : e.getMessage();
    }

    boolean recognises(Checkpoint checkpoint) {
        return checkpoint.tensors().keySet().containsAll(recognise);
    }

    /**
     * A tensor of a file that an entry explains.
     *
     * @param at place of the entry in the list
     * @param runs for each of its wildcards, place of the first entry of the run of entries that have that many
     * @param captures what the wildcards stood for
     */
    private record Match(String key, int at, int[] runs, List<String> captures, Entry entry) {
        String name() {
            return entry.name() == null ? key : fill(entry.name());
        }

        String fill(String template) {
            return NamePattern.fill(template, captures);
        }
    }

    /** As a list of layers is read: 2 before 10. */
    private static final Comparator<String> NUMBERS =
            Comparator.comparing(String::length).thenComparing(Comparator.naturalOrder());

    private static int asListed(Match a, Match b) {
        for (int i = 0; i < Math.min(a.runs().length, b.runs().length); i++) {
            int run = Integer.compare(a.runs()[i], b.runs()[i]);
            int order = run != 0
                    ? run
                    : NUMBERS.compare(a.captures().get(i), b.captures().get(i));
            if (order != 0) {
                return order;
            }
        }
        return Integer.compare(a.at(), b.at());
    }

    Reference adapt(Checkpoint checkpoint) {
        Reference ours = ReferenceFormat.isOne(checkpoint) ? ReferenceFormat.read(checkpoint) : null;
        List<Match> matches =
                matches(ours == null ? checkpoint.tensors().keySet() : ours.names(), checkpoint.tensors());
        Map<String, Match> chosen = new HashMap<>();
        for (Match match : matches) {
            chosen.merge(match.name(), match, (a, b) -> b.at() < a.at() ? b : a);
        }
        if (ours == null) {
            matches.sort(ReferenceAdapter::asListed);
        }
        Map<String, Supplier<RecordedTensor>> adapted = new LinkedHashMap<>();
        for (Match match : matches) {
            String name = match.name();
            if (chosen.get(name) == match) {
                adapted.put(name, () -> tensor(checkpoint, ours, match));
            }
        }
        return new Reference(checkpoint.name(), header(checkpoint, ours), adapted, checkpoint::close);
    }

    private List<Match> matches(Collection<String> keys, Map<String, TensorInfo> file) {
        List<NamePattern> patterns =
                tensors.stream().map(entry -> new NamePattern(entry.key())).toList();
        int[][] runs = new int[patterns.size()][];
        for (int i = 0; i < runs.length; i++) {
            runs[i] = new int[patterns.get(i).wildcards()];
            for (int wildcard = 0; wildcard < runs[i].length; wildcard++) {
                boolean goesOn = i > 0 && runs[i - 1].length > wildcard;
                runs[i][wildcard] = goesOn ? runs[i - 1][wildcard] : i;
            }
        }
        List<Match> matches = new ArrayList<>();
        for (String key : keys) {
            for (int i = 0; i < runs.length; i++) {
                List<String> captures = patterns.get(i).captures(key);
                if (captures != null && tensors.get(i).explains(key, captures, file)) {
                    matches.add(new Match(key, i, runs[i], captures, tensors.get(i)));
                    break;
                }
            }
        }
        return matches;
    }

    /** What a file of our format says of its run goes before what is said of all files of a kind. */
    private Reference.Header header(Checkpoint checkpoint, Reference ours) {
        if (ours != null) {
            Reference.Header header = ours.header();
            return new Reference.Header(
                    model, header.framework(), header.dtype(), header.seed(), header.segments(), header.ownFeatures());
        }
        return new Reference.Header(
                model,
                Objects.requireNonNullElse(framework, ""),
                Objects.requireNonNullElse(dtype, ""),
                Objects.requireNonNullElse(seed, "none"),
                segments(checkpoint.tensors()));
    }

    private List<Integer> segments(Map<String, TensorInfo> file) {
        if (segments == null || segments.isTextual() && !file.containsKey(segments.textValue())) {
            return List.of();
        }
        if (!segments.isTextual()) {
            return numbers(segments);
        }
        return IntStream.range(
                        0,
                        Math.toIntExact(file.get(segments.textValue()).shape().get(0)))
                .boxed()
                .toList();
    }

    private RecordedTensor tensor(Checkpoint checkpoint, Reference ours, Match match) {
        RecordedTensor stored = ours == null
                ? ReferenceFormat.tensor(checkpoint, match.key(), match.key(), List.of(), Double.NaN, false)
                : ours.tensor(match.key());
        try {
            return adapt(checkpoint, match, stored);
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new CheckpointException(
                    checkpoint.name(),
                    -1,
                    "reference-adapter",
                    "tensor '" + match.key() + "' of shape " + stored.shape() + " is not what the adapter expects: "
                            + e.getMessage(),
                    e);
        }
    }

    private RecordedTensor adapt(Checkpoint checkpoint, Match match, RecordedTensor stored) {
        Entry entry = match.entry();
        boolean turns = entry.transpose() != null
                || entry.chosen() != null
                || entry.split() != null
                || entry.merge() != null
                || entry.insert() != null;
        if (turns && !stored.slices().isEmpty()) {
            throw new IllegalArgumentException("only a part of it was kept, which cannot be given another shape");
        }
        RecordedTensor turned = entry.transpose() == null ? stored : transpose(stored, entry.transpose());
        if (entry.chosen() != null) {
            turned = amongAll(
                    turned,
                    beside(checkpoint, match.fill(entry.chosen().by())),
                    Integer.parseInt(match.fill(entry.chosen().expert())));
        }
        List<Integer> shape = new ArrayList<>(turned.shape());
        if (entry.split() != null) {
            List<Integer> like = beside(checkpoint, match.fill(entry.split())).shape();
            if (like.get(0) * like.get(1) != shape.get(0)) {
                throw new IllegalArgumentException(
                        shape.get(0) + " rows are not " + like.get(0) + " times " + like.get(1));
            }
            shape.set(0, like.get(1));
            shape.add(0, like.get(0));
        }
        if (entry.merge() != null) {
            for (int axis : entry.merge()) {
                shape.set(axis, Math.multiplyExact(shape.get(axis), shape.remove(axis + 1)));
            }
        }
        if (entry.insert() != null) {
            for (int axis : entry.insert()) {
                shape.add(axis, 1);
            }
        }
        List<Slice> slices = new ArrayList<>(stored.slices());
        if (entry.keep() != null) {
            for (Kept kept : entry.keep()) {
                slices.add(kept.slice(checkpoint));
            }
        }
        return new RecordedTensor(
                match.name(),
                List.copyOf(shape),
                turned.values(),
                List.copyOf(slices),
                noise(entry, stored),
                stored.integers(),
                entry.steps() || stored.steps());
    }

    private double noise(Entry entry, RecordedTensor stored) {
        if (entry.noise() != null) {
            return entry.noise();
        }
        return relativeNoise == null || !Double.isNaN(stored.noise()) ? stored.noise() : relativeNoise * stored.scale();
    }

    private static RecordedTensor beside(Checkpoint checkpoint, String key) {
        if (!checkpoint.tensors().containsKey(key)) {
            throw new IllegalArgumentException("there is no '" + key + "' beside it");
        }
        return ReferenceFormat.tensor(checkpoint, key, key, List.of(), Double.NaN, false);
    }

    /** Puts the vectors that chose an expert among all. */
    private static RecordedTensor amongAll(RecordedTensor tensor, RecordedTensor choices, int expert) {
        int vectors = choices.shape().get(0);
        int chosen = choices.values().length / vectors;
        int rows = tensor.shape().get(0);
        int width = tensor.values().length / Math.max(1, rows);
        float[] values = new float[vectors * width];
        int row = 0;
        for (int choice = 0; choice < chosen; choice++) {
            for (int vector = 0; vector < vectors; vector++) {
                if (choices.values()[vector * chosen + choice] == expert && row++ < rows) {
                    System.arraycopy(tensor.values(), (row - 1) * width, values, vector * width, width);
                }
            }
        }
        if (row != rows) {
            throw new IllegalArgumentException(row + " vectors chose expert " + expert);
        }
        List<Integer> shape = new ArrayList<>(tensor.shape());
        shape.set(0, vectors);
        return RecordedTensor.of(tensor.name(), values, List.copyOf(shape));
    }

    private static RecordedTensor transpose(RecordedTensor tensor, int[] order) {
        int rank = order.length;
        if (rank != tensor.shape().size()) {
            throw new IllegalArgumentException("expected " + rank + " dimensions");
        }
        int[] stride = new int[rank];
        int step = 1;
        for (int axis = rank - 1; axis >= 0; axis--) {
            stride[axis] = step;
            step *= tensor.shape().get(axis);
        }
        List<Integer> shape = new ArrayList<>();
        for (int axis : order) {
            shape.add(tensor.shape().get(axis));
        }
        float[] values = new float[tensor.values().length];
        int[] index = new int[rank];
        for (int i = 0; i < values.length; i++) {
            int from = 0;
            for (int axis = 0; axis < rank; axis++) {
                from += index[axis] * stride[order[axis]];
            }
            values[i] = tensor.values()[from];
            for (int axis = rank - 1; axis >= 0 && ++index[axis] == shape.get(axis); axis--) {
                index[axis] = 0;
            }
        }
        return RecordedTensor.of(tensor.name(), values, shape);
    }
}
