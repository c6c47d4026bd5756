package org.luthier.debug.doctor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/** A checkpoint of 32-bit numbers in memory, some of which can be replaced. */
record HeldCheckpoint(String format, Map<String, TensorInfo> tensors, Map<String, float[]> values)
        implements Checkpoint {
    static HeldCheckpoint of(Checkpoint checkpoint) {
        Map<String, float[]> values = new LinkedHashMap<>();
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        checkpoint.tensors().forEach((name, tensor) -> {
            values.put(name, checkpoint.floats(name));
            tensors.put(name, new TensorInfo(name, tensor.shape(), DType.F32));
        });
        return new HeldCheckpoint(checkpoint.format(), tensors, values);
    }

    /** The same with other values of one tensor. */
    HeldCheckpoint with(String name, UnaryOperator<float[]> change) {
        Map<String, float[]> changed = new LinkedHashMap<>(values);
        changed.put(name, change.apply(values.get(name).clone()));
        return new HeldCheckpoint(format, tensors, changed);
    }

    @Override
    public String name() {
        return "held";
    }

    @Override
    public ByteBuffer read(String name) {
        float[] held = values.get(name);
        ByteBuffer bytes = ByteBuffer.allocate(held.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(held);
        return bytes;
    }

    @Override
    public float[] floats(String name) {
        return values.get(name);
    }

    @Override
    public Map<String, String> metadata() {
        return Map.of();
    }

    @Override
    public List<String> warnings() {
        return List.of();
    }

    @Override
    public String sha256() {
        return "";
    }

    @Override
    public void close() {}
}
