package org.luthier.debug;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;

/**
 * Explains recordings that were made elsewhere: which key holds which canonical tensor, what was kept of it and how its dimensions lie.
 * A JSON resource of a model family; docs/reference-format.md describes it.
 *
 * @param format {@code luthier-reference-adapter/1}
 * @param title what these recordings are, for messages
 * @param model id of the model family
 * @param framework what made them
 * @param dtype type they were computed in
 * @param seed seed of what was random; null for none
 * @param recognise keys that a file of this kind has, all of them
 * @param segments number of the segment in each row
 * @param tensors in order of execution; those whose key a file lacks are left out
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

    /**
     * One tensor.
     *
     * @param key its name in the file
     * @param name its canonical name
     * @param transpose order of the stored dimensions, or null to leave them
     * @param insert places in the resulting shape where a dimension of size 1 is added, ascending, or null for none
     * @param keep what was kept, of each dimension that is not whole; or null
     * @param steps whether a dimension counts decoding steps
     * @param noise largest difference that rounding alone makes, or null where nobody measured it
     */
    record Entry(
            String key, String name, int[] transpose, int[] insert, List<Kept> keep, boolean steps, Double noise) {}

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

    /** Reads a resource. A resource that does not fit the schema is a defect of its bundle, told as such. */
    static ReferenceAdapter read(URL url) {
        try (InputStream in = url.openStream()) {
            ReferenceAdapter adapter = new ObjectMapper().readValue(in, ReferenceAdapter.class);
            if (!FORMAT.equals(adapter.format()) || adapter.recognise().isEmpty()) {
                throw new LuthierException("reference adapter " + url + ": expected format " + FORMAT
                        + " and keys to recognise, got " + adapter.format() + " and " + adapter.recognise());
            }
            return adapter;
        } catch (IOException e) {
            throw new LuthierException(
                    "reference adapter " + url + " cannot be read: "
                            + e.getMessage().lines().findFirst().orElse(""),
                    e);
        }
    }

    boolean recognises(Checkpoint checkpoint) {
        return checkpoint.tensors().keySet().containsAll(recognise);
    }

    Reference adapt(Checkpoint checkpoint) {
        Map<String, Supplier<RecordedTensor>> adapted = new LinkedHashMap<>();
        for (Entry entry : tensors) {
            if (checkpoint.tensors().containsKey(entry.key())) {
                adapted.put(entry.name(), () -> tensor(checkpoint, entry));
            }
        }
        Reference.Header header = new Reference.Header(
                model, framework, dtype, seed == null ? "none" : seed, segments == null ? List.of() : segments);
        return new Reference(checkpoint.name(), header, adapted, checkpoint::close);
    }

    private static RecordedTensor tensor(Checkpoint checkpoint, Entry entry) {
        RecordedTensor stored =
                ReferenceFormat.tensor(checkpoint, entry.key(), entry.name(), List.of(), Double.NaN, entry.steps());
        try {
            return adapt(checkpoint, entry, stored);
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new CheckpointException(
                    checkpoint.name(),
                    -1,
                    "reference-adapter",
                    "tensor '" + entry.key() + "' of shape " + stored.shape() + " is not what the adapter expects: "
                            + e.getMessage(),
                    e);
        }
    }

    private static RecordedTensor adapt(Checkpoint checkpoint, Entry entry, RecordedTensor stored) {
        RecordedTensor turned = entry.transpose() == null ? stored : transpose(stored, entry.transpose());
        List<Integer> shape = new ArrayList<>(turned.shape());
        if (entry.insert() != null) {
            for (int axis : entry.insert()) {
                shape.add(axis, 1);
            }
        }
        List<Slice> slices = new ArrayList<>();
        if (entry.keep() != null) {
            for (Kept kept : entry.keep()) {
                slices.add(kept.slice(checkpoint));
            }
        }
        return new RecordedTensor(
                entry.name(),
                List.copyOf(shape),
                turned.values(),
                List.copyOf(slices),
                entry.noise() == null ? Double.NaN : entry.noise(),
                stored.integers(),
                stored.steps());
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
