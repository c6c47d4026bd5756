package org.luthier.api.notes;

/** When a frame of a model happens. */
@FunctionalInterface
public interface FrameClock {
    /** Seconds from the beginning of the recording; grows with the frame. */
    double seconds(int frame);
}
