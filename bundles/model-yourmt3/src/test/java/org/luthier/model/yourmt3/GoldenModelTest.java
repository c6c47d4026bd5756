package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The small models of the reference as wholes: the ids that they write by themselves are those that were recorded, from the recorded spectrogram. */
class GoldenModelTest {
    private static final int END = 1;

    @ParameterizedTest
    @MethodSource("org.luthier.model.yourmt3.Variant#all")
    void everyIdIsTheRecordedOne(String name) {
        for (String kernels : Kernels.IDS) {
            try (Variant variant = Variant.open(name);
                    INDArray spectrogram = variant.tensor("spectrogram");
                    YourMt3Model model =
                            new YourMt3Model(null, variant.configuration(), variant.weights(), Kernels.named(kernels));
                    Session session = model.open((int) spectrogram.size(0), Probe.NONE)) {
                session.begin(spectrogram, Position.segments(0, (int) spectrogram.size(0)));
                int[] recorded = variant.ids("greedy.tokens");
                int steps = recorded.length / session.rows();
                assertEquals(64, steps);
                assertEquals(said(recorded, steps), free(session, steps), kernels);
            }
        }
    }

    /** The ids of each row to the end; the first is never taken for it. */
    private static List<MutableIntList> said(int[] ids, int steps) {
        List<MutableIntList> rows = new ArrayList<>();
        for (int from = 0; from < ids.length; from += steps) {
            MutableIntList row = IntLists.mutable.empty();
            for (int i = 0; i < steps && !ended(row); i++) {
                row.add(ids[from + i]);
            }
            rows.add(row);
        }
        return rows;
    }

    private static boolean ended(MutableIntList row) {
        return row.size() > 1 && row.getLast() == END;
    }

    private static List<MutableIntList> free(Session session, int steps) {
        int[] last = new int[session.rows()];
        List<MutableIntList> rows = new ArrayList<>();
        for (int row = 0; row < last.length; row++) {
            rows.add(IntLists.mutable.empty());
        }
        for (int i = 0; i < steps; i++) {
            last = session.step(last, null);
            for (int row = 0; row < last.length; row++) {
                if (!ended(rows.get(row))) {
                    rows.get(row).add(last[row]);
                }
            }
        }
        return rows;
    }
}
