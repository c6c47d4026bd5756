package org.luthier.api.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FramingTest {
    private static final Framing BASIC_PITCH = new Framing(22050, 43844, 36164, 3840, 0);

    /** ceil((n + 3840) / 36164), Basic Pitch's number of windows; 32324 and 32325 are the first border. */
    @ParameterizedTest
    @CsvSource({"1,1", "32323,1", "32324,1", "32325,2", "110250,4", "79380000,2196"})
    void countsWindows(long samples, int windows) {
        assertEquals(windows, BASIC_PITCH.segments(samples));
    }

    @Test
    void anEmptyRecordingStillHasOneSegment() {
        assertEquals(1, new Framing(16000, 100, 100, 0, 0).segments(0));
    }

    @Test
    void cutsWithZerosOutside() {
        Framing framing = new Framing(10, 5, 3, 2, 0);
        float[] samples = {1, 2, 3, 4};
        float[] window = new float[6];
        framing.cut(samples, 0, window, 1);
        assertArrayEquals(new float[] {0, 0, 0, 1, 2, 3}, window);
        framing.cut(samples, 1, window, 0);
        assertArrayEquals(new float[] {2, 3, 4, 0, 0, 3}, window);
        assertEquals(-0.2, framing.startSeconds(0));
        assertEquals(0.1, framing.startSeconds(1), 1e-15);
    }
}
