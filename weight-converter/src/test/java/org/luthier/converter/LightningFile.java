package org.luthier.converter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/**
 * Writes seeded checkpoints of YourMT3+ as Lightning saves them: a state_dict, two moments of every trainable tensor, and the arguments of
 * the program with an object of its own. Storages say that they were on a GPU; a window has one element less than its storage.
 */
final class LightningFile {
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * A tensor of a state_dict.
     *
     * @param sameAs the tensor whose storage it has, or null
     */
    record Tensor(String name, DType dtype, List<Long> shape, boolean trainable, String sameAs) {
        static Tensor of(String name, Long... shape) {
            return new Tensor(name, DType.F32, List.of(shape), true, null);
        }

        static Tensor buffer(String name, Long... shape) {
            return new Tensor(name, DType.F32, List.of(shape), false, null);
        }

        Tensor shaped(Long... other) {
            return new Tensor(name, dtype, List.of(other), trainable, sameAs);
        }

        private TensorInfo info() {
            return new TensorInfo(name, shape, dtype);
        }

        private long stored() {
            return info().elements() + (name.endsWith("window") ? 1 : 0);
        }
    }

    private record Stored(DType dtype, long elements) {}

    private final PickleWriter pickle = new PickleWriter();
    private final List<Stored> storages = new ArrayList<>();

    private LightningFile() {}

    /** The tensors of one of the key lists beside the checkout. */
    static List<Tensor> keys(Path list) throws IOException {
        List<Tensor> tensors = new ArrayList<>();
        for (JsonNode key : JSON.readTree(list.toFile()).get("tensors")) {
            List<Long> shape = new ArrayList<>();
            key.get("shape").forEach(size -> shape.add(size.longValue()));
            tensors.add(new Tensor(
                    key.get("key").textValue(),
                    key.get("dtype").textValue().equals("int64") ? DType.I64 : DType.F32,
                    shape,
                    key.get("trainable").booleanValue(),
                    key.get("alias_of").textValue()));
        }
        return tensors;
    }

    /** What shifts the pitch in training, as the two published variants that have it do. */
    static List<Tensor> pitchShift() {
        return List.of(
                Tensor.buffer("pitchshift.pshifters.-2.kernel", 4000L, 1L, 3577L),
                Tensor.buffer("pitchshift.pshifters.-2.window", 512L),
                Tensor.buffer("pitchshift.pshifters.-1.kernel", 160L, 1L, 165L),
                Tensor.buffer("pitchshift.pshifters.-1.window", 512L),
                Tensor.buffer("pitchshift.pshifters.1.kernel", 4000L, 1L, 4251L),
                Tensor.buffer("pitchshift.pshifters.1.window", 512L),
                Tensor.buffer("pitchshift.pshifters.2.kernel", 4000L, 1L, 4503L),
                Tensor.buffer("pitchshift.pshifters.2.window", 512L));
    }

    /**
     * Writes a checkpoint.
     *
     * @param arguments of the program, but for its task
     */
    static void write(Path file, List<Tensor> tensors, JsonNode arguments, String task, long seed) throws IOException {
        new LightningFile().writeAll(file, tensors, arguments, task, seed);
    }

    private void writeAll(Path file, List<Tensor> tensors, JsonNode arguments, String task, long seed)
            throws IOException {
        pickle.write('}', '(');
        pickle.text("epoch");
        pickle.number(123);
        pickle.text("global_step");
        pickle.number(300_000);
        pickle.text("pytorch-lightning_version");
        pickle.text("2.2.1");
        pickle.text("state_dict");
        stateDict(tensors);
        pickle.text("optimizer_states");
        moments(tensors);
        pickle.text("hyper_parameters");
        pickle.write('}', '(');
        arguments.properties().forEach(field -> {
            pickle.text(field.getKey());
            value(field.getValue());
        });
        pickle.text("task_manager");
        object("utils.task_manager", "TaskManager", Map.of("task_name", task));
        pickle.write('u', 'u');
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            entry(zip, "data.pkl", pickle.end());
            entry(zip, "byteorder", "little".getBytes(StandardCharsets.US_ASCII));
            for (int i = 0; i < storages.size(); i++) {
                entry(zip, "data/" + i, bytes(storages.get(i), seed + i));
            }
            entry(zip, "version", "3\n".getBytes(StandardCharsets.US_ASCII));
        }
    }

    private void stateDict(List<Tensor> tensors) {
        Map<String, Integer> places = new LinkedHashMap<>();
        pickle.global("collections", "OrderedDict");
        pickle.write(')', 'R', '(');
        for (Tensor tensor : tensors) {
            int place = tensor.sameAs() == null ? storages.size() : places.get(tensor.sameAs());
            if (tensor.sameAs() == null) {
                storages.add(new Stored(tensor.dtype(), tensor.stored()));
            }
            places.put(tensor.name(), place);
            pickle.text(tensor.name());
            pickle.tensor(tensor.info(), place, storages.get(place).elements(), "cuda:0");
        }
        pickle.write('u');
    }

    private void moments(List<Tensor> tensors) {
        pickle.write(']', '}', '(');
        pickle.text("state");
        pickle.write('}', '(');
        int number = 0;
        for (Tensor tensor : tensors) {
            if (tensor.trainable() && tensor.sameAs() == null) {
                pickle.number(number++);
                pickle.write('}', '(');
                for (String moment : List.of("exp_avg", "exp_avg_sq")) {
                    pickle.text(moment);
                    pickle.tensor(tensor.info(), storages.size(), tensor.info().elements(), "cuda:0");
                    storages.add(new Stored(tensor.dtype(), tensor.info().elements()));
                }
                pickle.write('u');
            }
        }
        // The dictionary is the only one in its list.
        pickle.write('u', 'u', 'a');
    }

    private void object(String module, String name, Map<String, String> fields) {
        pickle.global(module, name);
        pickle.write(')', 0x81, '}', '(');
        pickle.entries(fields);
        pickle.write('u', 'b');
    }

    private void value(JsonNode value) {
        if (value.isObject()) {
            pickle.write('}', '(');
            value.properties().forEach(field -> {
                pickle.text(field.getKey());
                value(field.getValue());
            });
            pickle.write('u');
        } else if (value.isArray()) {
            pickle.write('(');
            value.forEach(this::value);
            pickle.write('t');
        } else if (value.isNull()) {
            pickle.write('N');
        } else if (value.isBoolean()) {
            pickle.write(value.booleanValue() ? 0x88 : 0x89);
        } else if (value.isIntegralNumber()) {
            pickle.number(value.longValue());
        } else if (value.isNumber()) {
            pickle.write('G');
            for (byte each :
                    ByteBuffer.allocate(8).putDouble(value.doubleValue()).array()) {
                pickle.write(each);
            }
        } else {
            pickle.text(value.textValue());
        }
    }

    /** Numbers from -0.5 to 0.5, by a generator that is as fast as a disk. */
    private static byte[] bytes(Stored storage, long seed) {
        ByteBuffer bytes = ByteBuffer.allocate(
                        (int) storage.elements() * storage.dtype().bytes())
                .order(ByteOrder.LITTLE_ENDIAN);
        long state = seed * 0x9E3779B97F4A7C15L + 1;
        while (bytes.hasRemaining()) {
            state ^= state << 13;
            state ^= state >>> 7;
            state ^= state << 17;
            if (storage.dtype() == DType.I64) {
                bytes.putLong(state >>> 40);
            } else {
                bytes.putFloat((state >>> 40) / (float) (1 << 24) - 0.5f);
            }
        }
        return bytes.array();
    }

    private static void entry(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        ZipEntry entry = new ZipEntry("archive/" + name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes.length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(bytes);
        zip.closeEntry();
    }
}
