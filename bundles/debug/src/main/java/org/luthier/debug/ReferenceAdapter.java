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
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
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
 * @param segments number of the segment in each row; null if not known
 * @param tensors in order of execution; those whose key a file lacks are left out. A run of entries with wildcards is repeated for each
 *     text of the first wildcard, as layers are numbered. Of a file that tells its own order, that is the order. The first entry that fits
 *     a key explains it; of several keys for one name, the one that an earlier entry explains is taken
 */
record ReferenceAdapter(
        String format,
        String title,
        String model,
        String framework,
        String dtype,
        String seed,
        List<String> recognise,
        List<Integer> segments,
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
    }

    /**
     * One tensor.
     *
     * @param key its name in the file; wildcards as in name rules
     * @param name its canonical name, which may repeat what the wildcards stood for; null for the same name
     * @param transpose order of the stored dimensions, or null to leave them
     * @param merge dimensions that are to be one with the next, of the turned shape, descending; or null
     * @param insert places in the resulting shape where a dimension of size 1 is added, ascending, or null for none
     * @param keep what was kept, of each dimension that is not whole; or null
     * @param steps whether a dimension counts decoding steps
     * @param noise largest difference that rounding alone makes, or null where nobody measured it
     */
    record Entry(
            String key,
            String name,
            int[] transpose,
            int[] merge,
            int[] insert,
            List<Kept> keep,
            boolean steps,
            Double noise) {
        Entry {
            if (key == null) {
                throw new IllegalArgumentException("expected a key for every tensor");
            }
            if (name != null && !new NamePattern(key).fits(name)) {
                throw new IllegalArgumentException("'" + name + "' repeats a wildcard that '" + key + "' has not");
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
     * @param group place of the first entry of its run of entries with wildcards
     * @param captures what the wildcards stood for
     */
    private record Match(String key, int at, int group, List<String> captures, Entry entry) {
        String name() {
            return entry.name() == null ? key : NamePattern.fill(entry.name(), captures);
        }

        /** What a run of entries is repeated for. */
        String layer() {
            return captures.isEmpty() ? "" : captures.get(0);
        }
    }

    /** As a list of layers is read: 2 before 10. */
    private static final Comparator<String> NUMBERS = Comparator.comparing(String::length);

    private static final Comparator<Match> AS_LISTED = Comparator.comparingInt(Match::group)
            .thenComparing(Match::layer, NUMBERS.thenComparing(Comparator.naturalOrder()))
            .thenComparingInt(Match::at);

    Reference adapt(Checkpoint checkpoint) {
        Reference ours = ReferenceFormat.isOne(checkpoint) ? ReferenceFormat.read(checkpoint) : null;
        List<Match> matches = matches(ours == null ? checkpoint.tensors().keySet() : ours.names());
        Map<String, Match> chosen = new HashMap<>();
        for (Match match : matches) {
            chosen.merge(match.name(), match, (a, b) -> b.at() < a.at() ? b : a);
        }
        if (ours == null) {
            matches.sort(AS_LISTED);
        }
        Map<String, Supplier<RecordedTensor>> adapted = new LinkedHashMap<>();
        for (Match match : matches) {
            String name = match.name();
            if (chosen.get(name) == match) {
                adapted.put(name, () -> tensor(checkpoint, ours, match));
            }
        }
        return new Reference(checkpoint.name(), header(ours), adapted, checkpoint::close);
    }

    private List<Match> matches(Collection<String> keys) {
        List<NamePattern> patterns =
                tensors.stream().map(entry -> new NamePattern(entry.key())).toList();
        int[] group = new int[patterns.size()];
        for (int i = 1; i < group.length; i++) {
            boolean goesOn =
                    patterns.get(i).wildcards() > 0 && patterns.get(i - 1).wildcards() > 0;
            group[i] = goesOn ? group[i - 1] : i;
        }
        List<Match> matches = new ArrayList<>();
        for (String key : keys) {
            for (int i = 0; i < group.length; i++) {
                List<String> captures = patterns.get(i).captures(key);
                if (captures != null) {
                    matches.add(new Match(key, i, group[i], captures, tensors.get(i)));
                    break;
                }
            }
        }
        return matches;
    }

    /** What a file of our format says of its run goes before what is said of all files of a kind. */
    private Reference.Header header(Reference ours) {
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
                Objects.requireNonNullElse(segments, List.of()));
    }

    private static RecordedTensor tensor(Checkpoint checkpoint, Reference ours, Match match) {
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

    private static RecordedTensor adapt(Checkpoint checkpoint, Match match, RecordedTensor stored) {
        Entry entry = match.entry();
        boolean turns = entry.transpose() != null || entry.merge() != null || entry.insert() != null;
        if (turns && !stored.slices().isEmpty()) {
            throw new IllegalArgumentException("only a part of it was kept, which cannot be given another shape");
        }
        RecordedTensor turned = entry.transpose() == null ? stored : transpose(stored, entry.transpose());
        List<Integer> shape = new ArrayList<>(turned.shape());
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
                entry.noise() == null ? stored.noise() : entry.noise(),
                stored.integers(),
                entry.steps() || stored.steps());
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
