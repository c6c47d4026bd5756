package org.luthier.assembler.basicpitch;

import java.util.List;
import org.luthier.api.notes.FrameLayout;
import org.luthier.api.notes.FrameLayout.Output;

/** Layouts for tests. */
final class Layouts {
    static final FrameLayout BASIC_PITCH = new FrameLayout(
            22050 / 256.0,
            List.of(new Output("contour", 264, 21, 3), new Output("note", 88, 21, 1), new Output("onset", 88, 21, 1)));

    private Layouts() {}
}
