package org.luthier.audio.internal;

import java.util.ArrayList;
import java.util.List;
import org.luthier.audio.Resampler;

/** Samples of a signal whose length is not known yet; needs at most twice their memory, at the end. */
public final class SampleBuffer implements Resampler.Sink {
    /** Small enough that G1 does not give each its own regions, half of them wasted. */
    private static final int CHUNK = 1 << 16;

    private final List<float[]> chunks = new ArrayList<>();
    private long length;

    @Override
    public void accept(float[] samples, int offset, int count) {
        int done = 0;
        while (done < count) {
            int at = (int) (length % CHUNK);
            if (at == 0) {
                chunks.add(new float[CHUNK]);
            }
            int step = Math.min(count - done, CHUNK - at);
            System.arraycopy(samples, offset + done, chunks.get(chunks.size() - 1), at, step);
            done += step;
            length += step;
        }
    }

    /** How many samples there are. */
    public long length() {
        return length;
    }

    /** All samples in one array; the buffer is empty afterwards. */
    public float[] drain() {
        float[] all = new float[Math.toIntExact(length)];
        for (int i = 0; i < chunks.size(); i++) {
            int start = i * CHUNK;
            System.arraycopy(chunks.set(i, null), 0, all, start, Math.min(CHUNK, all.length - start));
        }
        chunks.clear();
        length = 0;
        return all;
    }
}
