package org.luthier.debug.html;

import java.util.List;
import org.luthier.debug.CommonPlaces;
import org.luthier.debug.RecordedTensor;
import org.luthier.debug.Reference;

/** What was compared with what. */
record Sides(Reference trace, Reference reference) {
    boolean both(String name) {
        return trace.has(name) && reference.has(name);
    }

    /** A tensor that both have, laid side by side. */
    CommonPlaces common(String name) {
        return CommonPlaces.of(
                trace.tensor(name),
                trace.header().segments(),
                reference.tensor(name),
                reference.header().segments());
    }

    /** A tensor of one side, laid beside itself. */
    static CommonPlaces alone(Reference side, String name) {
        List<Integer> segments = side.header().segments();
        RecordedTensor tensor = side.tensor(name);
        return CommonPlaces.of(tensor, segments, tensor, segments);
    }
}
