package org.luthier.converter;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/** Writes the operations of a pickle (protocol 2) that make dictionaries of tensors and of plain values. */
final class PickleWriter {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** Begins a pickle. */
    PickleWriter() {
        write(0x80, 2);
    }

    /** The pickle, ended. */
    byte[] end() {
        write('.');
        return out.toByteArray();
    }

    void write(int... bytes) {
        for (int each : bytes) {
            out.write(each);
        }
    }

    /** A dictionary of tensors, each the next storage; second names go last. */
    void tensors(List<TensorInfo> tensors, Map<String, String> secondNames) {
        Map<String, Integer> places = new LinkedHashMap<>();
        write('}', '(');
        for (TensorInfo tensor : tensors) {
            tensor(tensor.name(), tensor, places.size());
            places.put(tensor.name(), places.size());
        }
        secondNames.forEach((second, first) -> tensor(second, tensors.get(places.get(first)), places.get(first)));
        write('u');
    }

    /** Names and what they stand for: more of such, or a value. */
    void entries(Map<?, ?> entries) {
        entries.forEach((key, value) -> {
            text((String) key);
            if (value instanceof Map<?, ?> inner) {
                write('}', '(');
                entries(inner);
                write('u');
            } else {
                value((String) value);
            }
        });
    }

    /** A value as a reader told it: a number, true or false, a list of such in brackets, or text. */
    private void value(String value) {
        if (value.matches("-?\\d{1,18}")) {
            number(Long.parseLong(value));
        } else if (value.matches("-?\\d{1,18}\\.\\d{1,18}(E-?\\d{1,3})?")) {
            write('G');
            out.writeBytes(
                    ByteBuffer.allocate(8).putDouble(Double.parseDouble(value)).array());
        } else if (value.equals("true") || value.equals("false")) {
            write(value.equals("true") ? 0x88 : 0x89);
        } else if (value.startsWith("[") && value.endsWith("]")) {
            String inner = value.substring(1, value.length() - 1);
            write(']', '(');
            for (String each : inner.isEmpty() ? new String[0] : inner.split(", ")) {
                value(each);
            }
            write('e');
        } else {
            text(value);
        }
    }

    private void tensor(String name, TensorInfo tensor, int storage) {
        text(name);
        tensor(tensor, storage, tensor.elements(), "cpu");
    }

    /** A tensor that begins a storage. */
    void tensor(TensorInfo tensor, int storage, long elements, String device) {
        global("torch._utils", "_rebuild_tensor_v2");
        write('(', '(');
        text("storage");
        global("torch", type(tensor.dtype()) + "Storage");
        text(String.valueOf(storage));
        text(device);
        number(elements);
        // The end of the tuple that names a storage, which stands outside the pickle.
        write('t', 'Q');
        number(0);
        numbers(tensor.shape());
        numbers(strides(tensor.shape()));
        // It needs no gradient, and has no hooks.
        write(0x89);
        global("collections", "OrderedDict");
        write(')', 'R', 't', 'R');
    }

    private static List<Long> strides(List<Long> shape) {
        Long[] strides = new Long[shape.size()];
        long stride = 1;
        for (int i = strides.length - 1; i >= 0; i--) {
            strides[i] = stride;
            stride *= Math.max(1, shape.get(i));
        }
        return List.of(strides);
    }

    private void numbers(List<Long> numbers) {
        write('(');
        numbers.forEach(this::number);
        write('t');
    }

    void number(long number) {
        if (number == (int) number) {
            write('J');
            little(number, 4);
        } else {
            write(0x8a, 8);
            little(number, 8);
        }
    }

    void text(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        write('X');
        little(utf8.length, 4);
        out.writeBytes(utf8);
    }

    void global(String module, String name) {
        out.writeBytes(("c" + module + "\n" + name + "\n").getBytes(StandardCharsets.US_ASCII));
    }

    private void little(long value, int width) {
        out.write(
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(value)
                        .array(),
                0,
                width);
    }

    private static String type(DType dtype) {
        return switch (dtype) {
            case F64 -> "Double";
            case F32 -> "Float";
            case F16 -> "Half";
            case BF16 -> "BFloat16";
            case I64 -> "Long";
            case I32 -> "Int";
            case I16 -> "Short";
            case I8 -> "Char";
            case U8 -> "Byte";
            case BOOL -> "Bool";
        };
    }
}
