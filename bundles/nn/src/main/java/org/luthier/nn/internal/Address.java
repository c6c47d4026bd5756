package org.luthier.nn.internal;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** A pointer that can be set to any place, so that a kernel makes a few of them and not one for every call of BLAS. Owns nothing. */
final class Address extends FloatPointer {
    Address() {
        super((Pointer) null);
    }

    Address at(long place) {
        address = place;
        return this;
    }
}
