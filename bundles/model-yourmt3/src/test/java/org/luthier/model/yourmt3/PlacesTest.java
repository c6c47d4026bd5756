package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Slopes, distances and angles, against their formulas. */
class PlacesTest {
    @Test
    void slopesOfAPowerOfTwoHalve() {
        assertArrayEquals(
                new double[] {1 / 2.0, 1 / 4.0, 1 / 8.0, 1 / 16.0, 1 / 32.0, 1 / 64.0, 1 / 128.0, 1 / 256.0},
                Places.slopes(8),
                1e-12);
    }

    @Test
    void otherSlopesAreEveryOtherOneOfTwiceAsMany() {
        double[] of4 = Places.slopes(4);
        double[] of8 = Places.slopes(8);
        assertArrayEquals(new double[] {of4[0], of4[1], of4[2], of4[3], of8[0], of8[2]}, Places.slopes(6), 1e-12);
    }

    @Test
    void onlyTheFirstTrainedSlopeCounts() {
        assertArrayEquals(new double[] {0.5, 0, 0}, Places.trained(new float[] {0, 1, 2}), 1e-12);
    }

    @Test
    void distancesCountFromTheLastKey() {
        try (Places places = Places.distances(new double[] {0.5, 0}, 0.25f, 2, 3)) {
            // Query 0 of 2 stands beside key 1 of 3.
            assertArrayEquals(
                    new float[] {-0.125f, 0, -0.125f, -0.25f, -0.125f, 0, 0, 0, 0, 0, 0, 0},
                    HostFloats.copy(places.bias()),
                    1e-7f);
        }
    }

    @Test
    void neighbouringColumnsOfAHeadRotateAndTheRestStays() {
        float[] frequencies = {1.5f};
        float[] x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}; // [1, 2 positions, 2 heads of 3]
        for (boolean pixel : new boolean[] {false, true}) {
            double[] places = pixel ? new double[] {-1, 1} : new double[] {0, 1};
            try (Places.Rotation rotation = Places.Rotation.of(frequencies, pixel, 2);
                    INDArray tensor = Nd4j.create(x.clone(), new long[] {1, 2, 6}, 'c')) {
                rotation.apply(Kernels.named("cpu"), tensor, 2);
                float[] got = HostFloats.copy(tensor);
                for (int i = 0; i < x.length; i += 3) {
                    double angle = places[i / 6] * 1.5;
                    assertEquals(x[i] * Math.cos(angle) - x[i + 1] * Math.sin(angle), got[i], 1e-5);
                    assertEquals(x[i + 1] * Math.cos(angle) + x[i] * Math.sin(angle), got[i + 1], 1e-5);
                    assertEquals(x[i + 2], got[i + 2]);
                }
            }
        }
    }
}
