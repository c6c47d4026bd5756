package org.luthier.api.notes;

/**
 * How likely each bin sounds in each frame: one output of a frame model over the whole recording.
 *
 * @param name the output's name, for example {@code "onset"}
 * @param frames number of frames
 * @param bins number of bins a frame
 * @param values row-major [frames, bins]; at least frames * bins long; not copied, not to be changed
 */
public record Posteriorgram(String name, int frames, int bins, float[] values) {
    public Posteriorgram {
        if (values.length < Math.multiplyExact(frames, bins)) {
            throw new IllegalArgumentException(
                    "posteriorgram " + name + ": expected " + frames + " x " + bins + " values, got " + values.length);
        }
    }

    /** The value of one cell. */
    public float at(int frame, int bin) {
        return values[frame * bins + bin];
    }
}
