package org.luthier.api.model;

/**
 * How a recording is cut into segments. Samples outside the recording are zero.
 *
 * @param sampleRate samples per second
 * @param window samples of a segment
 * @param hop samples from one segment's start to the next one's
 * @param lead zeros in front of the recording
 * @param tail zeros behind it that count as part of it when segments are counted
 */
public record Framing(int sampleRate, int window, int hop, int lead, int tail) {
    /** Segments of a recording: one at each hop while its start lies before the end of the tail. At least 1. */
    public int segments(long samples) {
        long count = Math.addExact(samples, (long) lead + tail + hop - 1) / hop;
        return Math.toIntExact(Math.max(1, count));
    }

    /** Samples from a segment's start to the recording's end: at most the window, at least 0. Zeros in front of the recording count. */
    public int length(long samples, int segment) {
        return (int) Math.max(0, Math.min(window, samples + lead - (long) segment * hop));
    }

    /** Where a segment starts, in seconds; the first one may start before 0. */
    public double startSeconds(int segment) {
        return ((double) segment * hop - lead) / sampleRate;
    }

    /**
     * Copies the samples of one segment.
     *
     * @param samples the recording
     * @param segment number of the segment
     * @param target at least {@code window} long from {@code offset}
     * @param offset where in the target the segment begins
     */
    public void cut(float[] samples, int segment, float[] target, int offset) {
        long start = (long) segment * hop - lead;
        for (int i = 0; i < window; i++) {
            long at = start + i;
            target[offset + i] = at >= 0 && at < samples.length ? samples[(int) at] : 0f;
        }
    }
}
