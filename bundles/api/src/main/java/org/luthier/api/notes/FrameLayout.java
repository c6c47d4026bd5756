package org.luthier.api.notes;

import java.util.List;

/**
 * What a frame model puts out, so that an assembler can tell whether it fits before anything runs.
 *
 * @param framesPerSecond nominal frame rate
 * @param outputs the outputs in the model's order
 */
public record FrameLayout(double framesPerSecond, List<Output> outputs) {
    /**
     * One output.
     *
     * @param name for example {@code "note"}
     * @param bins bins a frame
     * @param lowestPitch MIDI note number of bin 0
     * @param binsPerSemitone resolution
     */
    public record Output(String name, int bins, int lowestPitch, int binsPerSemitone) {}
}
