/* The hot path in C: what interpreted.py says in Python, at a fraction of its cost.

   Whatever may run foreign code comes first: looking names up (__hash__, __eq__), asking values for
   their numbers (__float__), and making objects (the garbage collector). What follows, from reading
   how far the journal is filled to storing how far it is now, calls nothing of Python and keeps the
   interpreter's lock: no thread, no signal handler and no finalizer comes in between.

   A row is stored before the slot that commits it, and the slot with release semantics: a process
   that is killed leaves whole rows only, on weakly ordered processors, too.

   What is rare is left to Python: self._log_slowly() and self._log_bound_slowly().

   Only Python's stable ABI is used: one build serves CPython 3.11 and all that follow. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <structmember.h>

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#if !defined(__linux__)
#error "journals need Linux; the interpreted hot path is used elsewhere"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "rows are little-endian; the interpreted hot path swaps their bytes"
#endif
#if defined(Py_GIL_DISABLED)
#error "what is told above needs the interpreter's lock; the interpreted hot path takes its own"
#endif

#define HEAD_WORDS 3
#define WORD 8
#define VALUES_ON_STACK 64
#define CONTRACT 1 /* what Python expects here: hotpath/__init__.py has the same number */

/* ---------------------------------------------------------------- a layout */

typedef struct {
    PyObject_HEAD
    long long last_step; /* of its latest row; INT64_MIN before the first */
    long long serial;    /* of the journal that it was last defined in */
    Py_ssize_t width;    /* bytes of a row */
    unsigned short slot; /* its number in that journal */
    char mixed;          /* for Python: here each value that is no plain number is looked at */
} Layout;

static PyMemberDef layout_members[] = {
    {"last_step", T_LONGLONG, offsetof(Layout, last_step), 0, NULL},
    {"serial", T_LONGLONG, offsetof(Layout, serial), 0, NULL},
    {"width", T_PYSSIZET, offsetof(Layout, width), 0, NULL},
    {"slot", T_USHORT, offsetof(Layout, slot), 0, NULL},
    {"mixed", T_BOOL, offsetof(Layout, mixed), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot layout_slots[] = {
    {Py_tp_doc, "What the hot path knows of a layout."},
    {Py_tp_members, layout_members},
    {0, NULL},
};

static PyType_Spec layout_spec = {
    .name = "logwriter.hotpath.compiled.LayoutBase",
    .basicsize = sizeof(Layout),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = layout_slots,
};

static PyTypeObject *layout_type;

/* --------------------------------------------------------------- a journal */

typedef struct {
    PyObject_HEAD
    PyObject *layouts;    /* dict: tuple of names -> layout */
    long long serial;
    Py_ssize_t used;      /* slots in use, or CLOSED once none may be added */
    Py_ssize_t offset;    /* where the next row goes */
    Py_ssize_t limit;     /* where the room for rows ends */
    Py_ssize_t defined;   /* layouts in it */
    Py_buffer memory;     /* without an object: not mapped */
    unsigned short *slots;
    Py_ssize_t slots_count;
    unsigned forks;       /* as the counter was when it was mapped: in a child it takes no row */
} Journal;

static unsigned forks; /* counted before any code of Python runs in a child, whoever forked */

static void
count_fork(void)
{
    forks += 1;
}

static void
unmap(Journal *self)
{
    self->slots = NULL;
    self->slots_count = 0;
    if (self->memory.obj != NULL) {
        PyBuffer_Release(&self->memory);
    }
}

static PyObject *
journal_map(PyObject *object, PyObject *args)
{
    Journal *self = (Journal *)object;
    PyObject *memory;
    Py_ssize_t offset, count;
    if (!PyArg_ParseTuple(args, "Onn:map", &memory, &offset, &count)) {
        return NULL;
    }
    unmap(self);
    if (PyObject_GetBuffer(memory, &self->memory, PyBUF_WRITABLE) < 0) {
        return NULL;
    }
    if (offset < 0 || count < 0 || offset % 2 != 0 || offset > self->memory.len
        || count > (self->memory.len - offset) / 2) {
        unmap(self);
        PyErr_Format(PyExc_ValueError, "%zd slots at byte %zd do not fit", count, offset);
        return NULL;
    }
    self->slots = (unsigned short *)((char *)self->memory.buf + offset);
    self->slots_count = count;
    self->forks = forks;
    Py_RETURN_NONE;
}

static PyObject *
journal_unmap(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    unmap((Journal *)self);
    Py_RETURN_NONE;
}

/* Where a record of so many bytes goes; NULL if there is no room. Runs no foreign code. */
static char *
room_for(const Journal *self, Py_ssize_t size)
{
    if (self->slots == NULL || self->used < 0 || self->used >= self->slots_count
        || self->offset < 0 || size < 0 || self->offset > self->limit
        || size > self->limit - self->offset || self->limit > self->memory.len
        || self->forks != forks) {
        return NULL;
    }
    return (char *)self->memory.buf + self->offset;
}

/* Commit the record that was just stored at the end. Runs no foreign code. */
static void
commit(Journal *self, Py_ssize_t size, unsigned short slot)
{
    __atomic_store_n(&self->slots[self->used], slot, __ATOMIC_RELEASE);
    self->used += 1;
    self->offset += size;
}

static PyObject *
journal_commit(PyObject *object, PyObject *args, PyObject *named)
{
    static char *names[] = {"data", "slot", "defines", NULL};
    Journal *self = (Journal *)object;
    Py_buffer data;
    int slot;
    Py_ssize_t defines = 0;
    if (!PyArg_ParseTupleAndKeywords(args, named, "y*i|n:commit", names, &data, &slot, &defines)) {
        return NULL;
    }
    if (slot < 1 || slot > UINT16_MAX) {
        PyBuffer_Release(&data);
        PyErr_Format(PyExc_ValueError, "%d is no slot", slot);
        return NULL;
    }
    char *place = room_for(self, data.len);
    Py_ssize_t where = self->offset;
    if (place != NULL) {
        memcpy(place, data.buf, (size_t)data.len);
        commit(self, data.len, (unsigned short)slot);
        self->defined += defines;
    }
    Py_ssize_t defined = self->defined;
    PyBuffer_Release(&data);
    if (place == NULL) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("(nn)", where, defined);
}

static int
journal_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Journal *)self)->layouts);
    return 0;
}

static int
journal_clear(PyObject *self)
{
    Py_CLEAR(((Journal *)self)->layouts);
    return 0;
}

static void
journal_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    unmap((Journal *)self);
    journal_clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMemberDef journal_members[] = {
    {"layouts", T_OBJECT_EX, offsetof(Journal, layouts), 0, NULL},
    {"serial", T_LONGLONG, offsetof(Journal, serial), 0, NULL},
    {"used", T_PYSSIZET, offsetof(Journal, used), 0, NULL},
    {"offset", T_PYSSIZET, offsetof(Journal, offset), 0, NULL},
    {"limit", T_PYSSIZET, offsetof(Journal, limit), 0, NULL},
    {"defined", T_PYSSIZET, offsetof(Journal, defined), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef journal_methods[] = {
    {"map", journal_map, METH_VARARGS, "As in interpreted.py."},
    {"unmap", journal_unmap, METH_NOARGS, "As in interpreted.py."},
    {"commit", (PyCFunction)(void (*)(void))journal_commit, METH_VARARGS | METH_KEYWORDS,
     "As in interpreted.py."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot journal_slots[] = {
    {Py_tp_doc, "A journal's memory, and how far it is filled."},
    {Py_tp_members, journal_members},
    {Py_tp_methods, journal_methods},
    {Py_tp_traverse, journal_traverse},
    {Py_tp_clear, journal_clear},
    {Py_tp_dealloc, journal_dealloc},
    {0, NULL},
};

static PyType_Spec journal_spec = {
    .name = "logwriter.hotpath.compiled.JournalBase",
    .basicsize = sizeof(Journal),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = journal_slots,
};

static PyTypeObject *journal_type;

/* ------------------------------------------------------------- an appender */

typedef struct {
    PyObject_HEAD
    Journal *journal;
    long long step;
    long long epoch;
} Appender;

static PyObject *on_device_error; /* logwriter.values.OnDeviceError */
static PyObject *str_detach, *str_is_cuda, *str_item;

/* The number of a value that no code runs for; 0 if it is another kind of value. */
static int
is_plain(PyObject *value, double *number)
{
    if (PyFloat_Check(value)) { /* NumPy's float64 is one, too */
        *number = PyFloat_AsDouble(value);
        return 1;
    }
    if (PyLong_CheckExact(value) || PyBool_Check(value)) {
        *number = PyLong_AsDouble(value);
        if (*number != -1.0 || !PyErr_Occurred()) {
            return 1;
        }
        PyErr_Clear(); /* too large: `ask` finds the same, and tells it */
    }
    return 0;
}

/* Whether it has a `detach`, as tensors do; -1 with an exception, such as Ctrl-C's, which
   PyObject_HasAttr() would hide. */
static int
has_detach(PyObject *value)
{
    if (PyType_GetSlot(Py_TYPE(value), Py_tp_getattro) == (void *)PyObject_GenericGetAttr) {
        return PyObject_HasAttr(value, str_detach); /* no __getattr__ of Python's */
    }
    PyObject *detach = PyObject_GetAttr(value, str_detach);
    if (detach != NULL) {
        Py_DECREF(detach);
        return 1;
    }
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
        return -1;
    }
    PyErr_Clear();
    return 0;
}

/* The number of any value, whose code may run; -1 with an exception if it has none at hand. */
static int
ask(PyObject *value, double *number)
{
    if (is_plain(value, number)) {
        return 0;
    }
    int has = has_detach(value);
    if (has < 0) {
        return -1;
    }
    if (!has) {
        *number = PyFloat_AsDouble(value);
    }
    else { /* a tensor: without the warning that it needs a gradient, and without waiting for a GPU */
        PyObject *is_cuda = PyObject_GetAttr(value, str_is_cuda);
        if (is_cuda == Py_True) {
            PyErr_SetNone(on_device_error);
        }
        PyObject *item = is_cuda == NULL || is_cuda == Py_True
                             ? NULL
                             : PyObject_CallMethodObjArgs(value, str_item, NULL);
        Py_XDECREF(is_cuda);
        if (item == NULL) {
            return -1;
        }
        *number = PyFloat_AsDouble(item);
        Py_DECREF(item);
    }
    return *number == -1.0 && PyErr_Occurred() ? -1 : 0;
}

/* Append a row, unless there is no room. Runs no foreign code. `given` is the step, or NULL. */
static int
append(Appender *self, Journal *journal, Layout *layout, const long long *given,
       const double *numbers, Py_ssize_t count)
{
    long long step = given != NULL ? *given : self->step;
    if (given == NULL && layout->last_step == step) {
        if (step == INT64_MAX) {
            return 0;
        }
        step += 1;
    }
    Py_ssize_t size = WORD * (HEAD_WORDS + count);
    char *row = size == layout->width ? room_for(journal, size) : NULL;
    if (row == NULL) {
        return 0;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t head[HEAD_WORDS] = {
        (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, step, self->epoch
    };
    memcpy(row, head, sizeof(head));
    memcpy(row + sizeof(head), numbers, (size_t)count * sizeof(double));
    commit(journal, size, layout->slot);
    if (step > self->step) {
        self->step = step;
    }
    layout->last_step = step;
    return 1;
}

/* The exception that is set, which is not any more; NULL where there is none, or it is to be passed
   on: Ctrl-C, for example, is no trouble of a value. */
static PyObject *
take_error(void)
{
    PyObject *type, *error, *traceback;
    if (!PyErr_Occurred() || !PyErr_ExceptionMatches(PyExc_Exception)) {
        return NULL;
    }
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(error, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return error;
}

/* Whether the step is one that the hot path takes; `whole` is set then. */
static int
is_whole(PyObject *step, long long *whole)
{
    int overflow = 0;
    if (!PyLong_CheckExact(step)) {
        return 0; /* NumPy's and tensors' are made whole, slowly */
    }
    *whole = PyLong_AsLongLongAndOverflow(step, &overflow);
    return !overflow;
}

static PyObject *
names_of(PyObject *values)
{
    if (!PyDict_CheckExact(values)) {
        return PySequence_Tuple(values);
    }
    Py_ssize_t count = PyDict_Size(values), place = 0;
    PyObject *names = PyTuple_New(count);
    PyObject *name;
    if (names != NULL && PyDict_Size(values) != count) { /* a finalizer changed it */
        Py_DECREF(names);
        return PySequence_Tuple(values);
    }
    for (Py_ssize_t n = 0; names != NULL && n < count; n++) {
        PyDict_Next(values, &place, &name, NULL);
        Py_INCREF(name);
        PyTuple_SetItem(names, n, name);
    }
    return names;
}

/* The numbers of all values, in order; -1 with an exception if one has none at hand. */
static int
numbers_of(PyObject *values, double *numbers, Py_ssize_t count)
{
    Py_ssize_t n = 0;
    if (PyDict_CheckExact(values) && PyDict_Size(values) == count) {
        PyObject *value;
        Py_ssize_t place = 0;
        while (n < count && PyDict_Next(values, &place, NULL, &value)
               && is_plain(value, &numbers[n])) {
            n++;
        }
        if (n == count) {
            return 0;
        }
    }
    PyObject *view = PyObject_CallMethod(values, "values", NULL);
    PyObject *all = view != NULL ? PySequence_Tuple(view) : NULL; /* code may change the dict */
    Py_XDECREF(view);
    if (all == NULL) {
        return -1;
    }
    int failed = PyTuple_Size(all) != count;
    if (failed) {
        PyErr_SetString(PyExc_ValueError, "there are not as many values as names");
    }
    for (n = 0; !failed && n < count; n++) {
        failed = ask(PyTuple_GetItem(all, n), &numbers[n]) < 0;
    }
    Py_DECREF(all);
    return failed ? -1 : 0;
}

/* Log a row of a known layout; 1 if that was done, 0 if it is left to Python, with an exception or
   without. */
static int
log_known(Appender *self, Journal *journal, PyObject *values, PyObject *step)
{
    double on_stack[VALUES_ON_STACK];
    double *numbers = on_stack;
    long long whole = 0;
    int done = 0;
    if (step != NULL && !is_whole(step, &whole)) {
        return 0;
    }
    PyObject *names = names_of(values);
    if (names == NULL) {
        return 0;
    }
    PyObject *layouts = journal->layouts;
    Py_INCREF(layouts);
    PyObject *found = PyDict_GetItemWithError(layouts, names);
    if (found != NULL && PyObject_TypeCheck(found, layout_type)) {
        Layout *layout = (Layout *)found;
        Py_ssize_t count = PyTuple_Size(names);
        Py_INCREF(found);
        if (count > VALUES_ON_STACK) {
            numbers = PyMem_Malloc((size_t)count * sizeof(double));
        }
        if (numbers == NULL) {
            PyErr_NoMemory();
        }
        else if (numbers_of(values, numbers, count) == 0) {
            done = append(self, journal, layout, step != NULL ? &whole : NULL, numbers, count);
        }
        if (numbers != on_stack) {
            PyMem_Free(numbers);
        }
        Py_DECREF(found);
    }
    Py_DECREF(layouts);
    Py_DECREF(names);
    return done;
}

/* The arguments of log(values, step=None); -1 with an exception if they are others. */
static int
parse(PyObject *const *args, Py_ssize_t count, PyObject *named, PyObject **values, PyObject **step)
{
    *values = count > 0 ? args[0] : NULL;
    *step = count > 1 ? args[1] : NULL;
    if (count > 2) {
        PyErr_Format(PyExc_TypeError, "log() takes values and a step, but %zd were given", count);
        return -1;
    }
    for (Py_ssize_t n = 0; named != NULL && n < PyTuple_Size(named); n++) {
        PyObject *name = PyTuple_GetItem(named, n);
        PyObject **place = PyUnicode_CompareWithASCIIString(name, "step") == 0     ? step
                           : PyUnicode_CompareWithASCIIString(name, "values") == 0 ? values
                                                                                   : NULL;
        if (place == NULL) {
            PyErr_Format(PyExc_TypeError, "log() got an unexpected keyword argument '%U'", name);
            return -1;
        }
        if (*place != NULL) {
            PyErr_Format(PyExc_TypeError, "log() got multiple values for argument '%U'", name);
            return -1;
        }
        *place = args[count + n];
    }
    if (*values == NULL) {
        PyErr_SetString(PyExc_TypeError, "log() missing 1 required positional argument: 'values'");
        return -1;
    }
    if (*step == Py_None) {
        *step = NULL;
    }
    return 0;
}

static PyObject *
appender_log(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *named)
{
    Appender *self = (Appender *)object;
    Journal *journal = self->journal;
    PyObject *values, *step;
    int done = 0;
    if (parse(args, count, named, &values, &step) < 0) {
        return NULL;
    }
    if (journal != NULL && journal->layouts != NULL) {
        Py_INCREF((PyObject *)journal); /* code that runs meanwhile may put another one in its place */
        done = log_known(self, journal, values, step);
        Py_DECREF((PyObject *)journal);
    }
    if (done) {
        Py_RETURN_NONE;
    }
    PyObject *error = take_error();
    if (error == NULL && PyErr_Occurred()) {
        return NULL;
    }
    PyObject *result = PyObject_CallMethod(object, "_log_slowly", "OOO", values,
                                           step != NULL ? step : Py_None,
                                           error != NULL ? error : Py_None);
    Py_XDECREF(error);
    return result;
}

static PyObject *
appender_get_journal(PyObject *self, void *Py_UNUSED(closure))
{
    PyObject *journal = (PyObject *)((Appender *)self)->journal;
    if (journal == NULL) {
        PyErr_SetString(PyExc_AttributeError, "_journal");
        return NULL;
    }
    Py_INCREF(journal);
    return journal;
}

static int
appender_set_journal(PyObject *self, PyObject *journal, void *Py_UNUSED(closure))
{
    if (journal == NULL || !PyObject_TypeCheck(journal, journal_type)) {
        PyErr_SetString(PyExc_TypeError, "_journal is not a journal");
        return -1;
    }
    PyObject *old = (PyObject *)((Appender *)self)->journal;
    Py_INCREF(journal);
    ((Appender *)self)->journal = (Journal *)journal;
    Py_XDECREF(old);
    return 0;
}

static int
appender_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Appender *)self)->journal);
    return 0;
}

static int
appender_clear(PyObject *self)
{
    Py_CLEAR(((Appender *)self)->journal);
    return 0;
}

static void
appender_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    appender_clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMemberDef appender_members[] = {
    {"_step", T_LONGLONG, offsetof(Appender, step), 0, NULL},
    {"_epoch", T_LONGLONG, offsetof(Appender, epoch), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef appender_getset[] = {
    {"_journal", appender_get_journal, appender_set_journal, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(log_doc,
"log($self, values, step=None)\n--\n\n"
"Append one row: the values of one moment.\n\n"
"Args:\n"
"    values: Metric names and numbers: Python's, NumPy's, or tensors of one element.\n"
"    step: The step. Without one, the row belongs to the current step, which advances when a\n"
"        row with the same names was already logged at it.\n\n"
"Raises:\n"
"    BadValueError: With ``on_error=\"raise\"``, for a value that is not a number.\n"
"    ForkedError: In a forked child; the run belongs to its parent.");

static PyMethodDef appender_methods[] = {
    {"log", (PyCFunction)(void (*)(void))appender_log, METH_FASTCALL | METH_KEYWORDS, log_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot appender_slots[] = {
    {Py_tp_doc, "Turns mappings of names to numbers into rows of a journal."},
    {Py_tp_members, appender_members},
    {Py_tp_getset, appender_getset},
    {Py_tp_methods, appender_methods},
    {Py_tp_traverse, appender_traverse},
    {Py_tp_clear, appender_clear},
    {Py_tp_dealloc, appender_dealloc},
    {0, NULL},
};

static PyType_Spec appender_spec = {
    .name = "logwriter.hotpath.compiled.AppenderBase",
    .basicsize = sizeof(Appender),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = appender_slots,
};

static PyTypeObject *appender_type;

/* -------------------------------------------------- the log of one layout */

typedef struct {
    PyObject_HEAD
    Appender *appender;
    Layout *layout;
    PyObject *names; /* tuple */
} Bound;

static PyObject *
bound_log(PyObject *object, PyObject *const *args, Py_ssize_t given)
{
    Bound *self = (Bound *)object;
    Journal *journal = self->appender->journal;
    Layout *layout = self->layout;
    Py_ssize_t count = PyTuple_Size(self->names);
    double on_stack[VALUES_ON_STACK];
    double *numbers = on_stack;
    long long step;
    int done = 0;
    Py_INCREF(object);
    if (given == count + 1 && journal != NULL && layout->serial == journal->serial
        && is_whole(args[0], &step)) {
        Py_INCREF((PyObject *)journal);
        if (count > VALUES_ON_STACK) {
            numbers = PyMem_Malloc((size_t)count * sizeof(double));
        }
        if (numbers == NULL) {
            PyErr_NoMemory();
        }
        else {
            Py_ssize_t n = 0;
            while (n < count && ask(args[n + 1], &numbers[n]) == 0) {
                n++;
            }
            done = n == count && append(self->appender, journal, layout, &step, numbers, count);
        }
        if (numbers != on_stack) {
            PyMem_Free(numbers);
        }
        Py_DECREF((PyObject *)journal);
    }
    PyObject *result = NULL;
    PyObject *error = done ? NULL : take_error();
    PyObject *all = done || (error == NULL && PyErr_Occurred()) ? NULL : PyTuple_New(given);
    for (Py_ssize_t n = 0; all != NULL && n < given; n++) {
        Py_INCREF(args[n]);
        PyTuple_SetItem(all, n, args[n]);
    }
    if (done) {
        Py_INCREF(Py_None);
        result = Py_None;
    }
    else if (all != NULL) {
        result = PyObject_CallMethod((PyObject *)self->appender, "_log_bound_slowly", "OOO",
                                     self->names, all, error != NULL ? error : Py_None);
    }
    Py_XDECREF(all);
    Py_XDECREF(error);
    Py_DECREF(object);
    return result;
}

static int
bound_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Bound *)self)->appender);
    Py_VISIT(((Bound *)self)->layout);
    Py_VISIT(((Bound *)self)->names);
    return 0;
}

static int
bound_clear(PyObject *object)
{
    /* Its function may still be called from a finalizer of the same cycle, and needs all three: what
       else is in the cycle is cleared, which breaks it. */
    (void)object;
    return 0;
}

static void
bound_dealloc(PyObject *object)
{
    Bound *self = (Bound *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_XDECREF((PyObject *)self->appender);
    Py_XDECREF((PyObject *)self->layout);
    Py_XDECREF(self->names);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyType_Slot bound_slots[] = {
    {Py_tp_doc, "What the log of one layout needs."},
    {Py_tp_traverse, bound_traverse},
    {Py_tp_clear, bound_clear},
    {Py_tp_dealloc, bound_dealloc},
    {0, NULL},
};

static PyType_Spec bound_spec = {
    .name = "logwriter.hotpath.compiled.Bound",
    .basicsize = sizeof(Bound),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = bound_slots,
};

static PyTypeObject *bound_type;

static PyMethodDef bound_log_def = {
    "log", (PyCFunction)(void (*)(void))bound_log, METH_FASTCALL,
    "log($self, step, /, *values)\n--\n\nAppend one row of the bound metrics.",
};

static PyObject *
bind(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *appender, *layout, *names;
    if (!PyArg_ParseTuple(args, "O!O!O!:bind", appender_type, &appender, layout_type, &layout,
                          &PyTuple_Type, &names)) {
        return NULL;
    }
    allocfunc alloc = (allocfunc)PyType_GetSlot(bound_type, Py_tp_alloc);
    Bound *bound = (Bound *)alloc(bound_type, 0);
    if (bound == NULL) {
        return NULL;
    }
    Py_INCREF(appender);
    Py_INCREF(layout);
    Py_INCREF(names);
    bound->appender = (Appender *)appender;
    bound->layout = (Layout *)layout;
    bound->names = names;
    PyObject *function = PyCFunction_NewEx(&bound_log_def, (PyObject *)bound, NULL);
    Py_DECREF((PyObject *)bound);
    return function;
}

/* -------------------------------------------------------------- the module */

static PyMethodDef module_methods[] = {
    {"bind", bind, METH_VARARGS, "As in interpreted.py."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "compiled",
    .m_doc = "The hot path in C.",
    .m_size = -1,
    .m_methods = module_methods,
};

static PyTypeObject *
add_type(PyObject *module, const char *name, PyType_Spec *spec)
{
    PyObject *type = PyType_FromSpec(spec);
    if (type == NULL || PyModule_AddObjectRef(module, name, type) < 0) {
        return NULL;
    }
    return (PyTypeObject *)type;
}

PyMODINIT_FUNC
PyInit_compiled(void)
{
    if (pthread_atfork(NULL, NULL, count_fork) != 0) {
        return PyErr_NoMemory();
    }
    PyObject *values = PyImport_ImportModule("logwriter.values");
    PyObject *module = values != NULL ? PyModule_Create(&module_def) : NULL;
    if (module == NULL) {
        Py_XDECREF(values);
        return NULL;
    }
    on_device_error = PyObject_GetAttrString(values, "OnDeviceError");
    str_detach = PyUnicode_InternFromString("detach");
    str_is_cuda = PyUnicode_InternFromString("is_cuda");
    str_item = PyUnicode_InternFromString("item");
    Py_DECREF(values);
    if (on_device_error == NULL || str_detach == NULL || str_is_cuda == NULL || str_item == NULL
        || (layout_type = add_type(module, "LayoutBase", &layout_spec)) == NULL
        || (journal_type = add_type(module, "JournalBase", &journal_spec)) == NULL
        || (appender_type = add_type(module, "AppenderBase", &appender_spec)) == NULL
        || (bound_type = add_type(module, "Bound", &bound_spec)) == NULL
        || PyModule_AddIntConstant(module, "CONTRACT", CONTRACT) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
