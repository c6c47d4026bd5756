package org.luthier.api.notes;

import java.util.List;

/**
 * All outputs of a frame model for one recording, borders between windows already joined.
 *
 * @param layout what the outputs are
 * @param clock when each frame happens
 * @param outputs one for each of the layout's outputs, in that order, all with the same number of frames
 */
public record Posteriorgrams(FrameLayout layout, FrameClock clock, List<Posteriorgram> outputs) {
    /** Frames in every output. */
    public int frames() {
        return outputs.get(0).frames();
    }

    /**
     * The output of a name.
     *
     * @throws IllegalArgumentException if there is none; the compatibility check makes that a defect
     */
    public Posteriorgram get(String name) {
        for (Posteriorgram output : outputs) {
            if (output.name().equals(name)) {
                return output;
            }
        }
        throw new IllegalArgumentException("no posteriorgram '" + name + "' in " + layout);
    }
}
