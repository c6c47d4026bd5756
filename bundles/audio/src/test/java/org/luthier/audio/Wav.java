package org.luthier.audio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes WAV files, right ones and wrong ones. */
final class Wav {
    static final int INTEGER = 1;
    static final int FLOAT = 3;

    private final int tag;
    private final int bits;
    private int channels = 1;
    private int rate = 44_100;
    private Integer statedBytes;
    private byte[] data = {};

    private Wav(int tag, int bits) {
        this.tag = tag;
        this.bits = bits;
    }

    static Wav of(int tag, int bits) {
        return new Wav(tag, bits);
    }

    Wav channels(int count) {
        channels = count;
        return this;
    }

    Wav rate(int samplesPerSecond) {
        rate = samplesPerSecond;
        return this;
    }

    /** What the header says, whatever is there. */
    Wav statedBytes(int bytes) {
        statedBytes = bytes;
        return this;
    }

    Wav bytes(byte[] raw) {
        data = raw;
        return this;
    }

    /** Interleaved codes of an integer format, as they are stored. */
    Wav codes(long... codes) {
        ByteBuffer buffer = ByteBuffer.allocate(codes.length * bits / 8);
        for (long code : codes) {
            for (int shift = 0; shift < bits; shift += 8) {
                buffer.put((byte) (code >> shift));
            }
        }
        return bytes(buffer.array());
    }

    /** Interleaved samples of a float format. */
    Wav floats(double... samples) {
        ByteBuffer buffer = ByteBuffer.allocate(samples.length * bits / 8).order(ByteOrder.LITTLE_ENDIAN);
        for (double sample : samples) {
            if (bits == 32) {
                buffer.putFloat((float) sample);
            } else {
                buffer.putDouble(sample);
            }
        }
        return bytes(buffer.array());
    }

    Path write(Path file) throws IOException {
        int stated = statedBytes == null ? data.length : statedBytes;
        int frame = Math.max(1, channels * bits / 8);
        ByteBuffer buffer = ByteBuffer.allocate(44 + data.length).order(ByteOrder.LITTLE_ENDIAN);
        buffer.put("RIFF".getBytes())
                .putInt(stated == -1 ? -1 : stated + 36)
                .put("WAVEfmt ".getBytes())
                .putInt(16);
        buffer.putShort((short) tag).putShort((short) channels).putInt(rate).putInt(rate * frame);
        buffer.putShort((short) frame)
                .putShort((short) bits)
                .put("data".getBytes())
                .putInt(stated)
                .put(data);
        return Files.write(file, buffer.array());
    }
}
