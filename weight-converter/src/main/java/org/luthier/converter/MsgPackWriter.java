package org.luthier.converter;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.TensorInfo;

/** Writes MessagePack: maps, lists, texts, whole numbers from 0, and arrays as flax stores them (extension type 1). */
final class MsgPackWriter {
    private static final int NDARRAY = 1;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** An array: name apart, its shape and type, and its bytes. */
    record Array(TensorInfo tensor, byte[] bytes) {}

    /** The bytes of a value; maps are written in their own order. */
    static byte[] bytes(Object value) {
        MsgPackWriter writer = new MsgPackWriter();
        writer.write(value);
        return writer.out.toByteArray();
    }

    private void write(Object value) {
        if (value instanceof Map<?, ?> map) {
            head(map.size(), 0x80, 15, -1, 0xde);
            map.forEach((key, each) -> {
                write(key);
                write(each);
            });
        } else if (value instanceof List<?> list) {
            head(list.size(), 0x90, 15, -1, 0xdc);
            list.forEach(this::write);
        } else if (value instanceof String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            head(utf8.length, 0xa0, 31, 0xd9, 0xda);
            out.writeBytes(utf8);
        } else if (value instanceof byte[] binary) {
            head(binary.length, 0, -1, 0xc4, 0xc5);
            out.writeBytes(binary);
        } else if (value instanceof Array array) {
            byte[] body = bytes(List.of(
                    array.tensor().shape(), ZarrType.of(array.tensor().dtype()).flax(), array.bytes()));
            head(body.length, 0, -1, 0xc7, 0xc8);
            out.write(NDARRAY);
            out.writeBytes(body);
        } else if (value instanceof Number number && number.longValue() >= 0) {
            number(number.longValue());
        } else {
            throw new IllegalArgumentException("cannot be written: " + value);
        }
    }

    private void number(long value) {
        if (value < 0x80) {
            out.write((int) value);
        } else if (value < 1 << 8) {
            big(0xcc, value, 1);
        } else if (value < 1 << 16) {
            big(0xcd, value, 2);
        } else if (value < 1L << 32) {
            big(0xce, value, 4);
        } else {
            big(0xcf, value, 8);
        }
    }

    /**
     * What stands before something of a length.
     *
     * @param fix first byte of lengths up to {@code most}, which are part of it
     * @param of8 what a length of 8 bits follows, or -1
     * @param of16 what one of 16 bits follows; the next byte is that of 32 bits
     */
    private void head(int length, int fix, int most, int of8, int of16) {
        if (length <= most) {
            out.write(fix | length);
        } else if (of8 >= 0 && length < 1 << 8) {
            big(of8, length, 1);
        } else if (length < 1 << 16) {
            big(of16, length, 2);
        } else {
            big(of16 + 1, length, 4);
        }
    }

    private void big(int first, long value, int width) {
        out.write(first);
        byte[] all = ByteBuffer.allocate(8)
                .order(ByteOrder.BIG_ENDIAN)
                .putLong(value)
                .array();
        out.write(all, 8 - width, width);
    }
}
