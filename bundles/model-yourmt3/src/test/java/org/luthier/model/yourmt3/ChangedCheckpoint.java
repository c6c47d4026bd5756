package org.luthier.model.yourmt3;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/** A checkpoint of which some of what it tells, and some tensors, are others. Tensors with another shape are all zeros. */
final class ChangedCheckpoint implements Checkpoint {
    private final Checkpoint checkpoint;
    private final Map<String, String> metadata;
    private final Map<String, TensorInfo> tensors;
    private final Map<String, ByteBuffer> made = new LinkedHashMap<>();

    ChangedCheckpoint(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        metadata = new LinkedHashMap<>(checkpoint.metadata());
        tensors = new LinkedHashMap<>(checkpoint.tensors());
    }

    ChangedCheckpoint tells(String argument, String value) {
        metadata.put("hyper_parameters." + argument, value);
        return this;
    }

    ChangedCheckpoint without(Predicate<String> names) {
        tensors.keySet().removeIf(names);
        return this;
    }

    /** Puts a tensor of zeros, where there was one or not. */
    ChangedCheckpoint zeros(String name, List<Long> shape) {
        TensorInfo tensor = new TensorInfo(name, shape, DType.F32);
        tensors.put(name, tensor);
        made.put(name, ByteBuffer.allocate(Math.toIntExact(4 * tensor.elements())));
        return this;
    }

    /** Puts a number in place of one. */
    ChangedCheckpoint with(String name, int element, float value) {
        ByteBuffer bytes = checkpoint.read(name);
        ByteBuffer changed = ByteBuffer.allocate(bytes.remaining()).order(ByteOrder.LITTLE_ENDIAN);
        changed.put(bytes).putFloat(4 * element, value).flip();
        made.put(name, changed);
        return this;
    }

    @Override
    public String name() {
        return checkpoint.name();
    }

    @Override
    public String format() {
        return checkpoint.format();
    }

    @Override
    public Map<String, TensorInfo> tensors() {
        return tensors;
    }

    @Override
    public ByteBuffer read(String name) {
        return made.containsKey(name)
                ? made.get(name).duplicate().order(ByteOrder.LITTLE_ENDIAN)
                : checkpoint.read(name);
    }

    @Override
    public float[] floats(String name) {
        return checkpoint.floats(name);
    }

    @Override
    public Map<String, String> metadata() {
        return metadata;
    }

    @Override
    public List<String> warnings() {
        return checkpoint.warnings();
    }

    @Override
    public String sha256() {
        return checkpoint.sha256();
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
